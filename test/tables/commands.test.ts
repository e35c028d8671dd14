import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { paretoCommand } from '../../src/cli/commands/pareto.ts'
import { queryCommand } from '../../src/cli/commands/query.ts'
import { tablesCommand } from '../../src/cli/commands/tables.ts'
import { throwUsageErrors } from '../../src/cli/failures.ts'
import { nb201 } from '../../src/spaces/nb201/index.ts'
import { loadArrow } from '../../src/tables/arrowLibrary.ts'
import { spaceIndex } from '../../src/tables/spaceIndex.ts'
import { temporaryFolder } from './temporaryFolder.ts'

const home = temporaryFolder()
const space = spaceIndex(nb201)
const source = join(home, 'mine.csv')
let printed = ''

async function bench(make: () => Command, ...args: readonly string[]): Promise<string> {
  const command = make()
  throwUsageErrors(command)
  await command.parseAsync(args, { from: 'user' })
  return printed
}

beforeAll(() => {
  process.env.NAS_BENCH_HOME = home
  const rows = [10, 11, 12, 13].map(
    (index, i) => `${index},${space.at(index)},${60 + i},${90 - i},${i / 10 + 0.1},s${i}`,
  )
  writeFileSync(
    source,
    `index,arch,cifar10-valid/x-valid/12/mean,cifar10/ori-test/200/mean,params-M,unique\n${rows.join('\n')}\n`,
  )
})
afterAll(() => {
  delete process.env.NAS_BENCH_HOME
})
beforeEach(() => {
  printed = ''
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += text
    return true
  })
  return () => vi.restoreAllMocks()
})

describe('bench tables', () => {
  test('imports a table and says what is in it', async () => {
    const text = await bench(tablesCommand, 'import', source, '--as', 'mine', '--partial', '--quiet')
    expect(text).toContain('table mine: 4 of 15625 architectures of nb201, from mine.csv')
    expect(text).toMatch(/cifar10-valid +x-valid +12 +mean +nothing/)
  })

  test('prints the manifest with --json', async () => {
    const manifest = JSON.parse(await bench(tablesCommand, 'info', 'mine', '--json'))
    expect(manifest).toMatchObject({ schema: 1, name: 'mine', rows: 4, source: { format: 'csv', name: 'mine.csv' } })
  })

  test('merges imported tables, and not with built ones', async () => {
    const text = await bench(tablesCommand, 'merge', 'mine', 'mine', '--as', 'merged')
    expect(text).toBe('table merged: 4 of 15625 architectures, 0.0 MB\n')
    await expect(bench(tablesCommand, 'merge', 'nb201-micro', 'mine', '--as', 'mixed')).rejects.toThrow(
      'table nb201-micro was built by a recipe, mine was imported; only tables of one kind can be merged',
    )
  })

  test('refuses what it was not told to accept', async () => {
    const attempt = bench(tablesCommand, 'import', source, '--as', 'part', '--quiet')
    await expect(attempt).rejects.toThrow('--partial imports what is there')
    await expect(bench(tablesCommand, 'import', source, '--as', 'nb201-micro', '--partial')).rejects.toThrow(
      'table nb201-micro comes with the package',
    )
  })
})

describe('bench query', () => {
  const query = (...args: readonly string[]) => bench(queryCommand, ...args, '--table', 'mine')

  test('shows each number of an architecture, fully qualified, with its rank', async () => {
    expect(await query(space.at(12), '--rank')).toBe(
      [
        'Dataset        Split     Epochs  Seed  Accuracy (%)  Rank  of',
        '─────────────────────────────────────────────────────────────',
        'cifar10-valid  x-valid       12  mean         62.00     2   4',
        'cifar10        ori-test     200  mean         88.00     3   4',
        '',
        `#12 ${space.at(12)}`,
        'table mine: 4 of 15625 architectures of nb201, from mine.csv',
        '',
      ].join('\n'),
    )
  })

  test('prints one number where all four qualifiers are given', async () => {
    const answer = await query(
      '11',
      '--dataset',
      'cifar10',
      '--split',
      'ori-test',
      '--epochs',
      '200',
      '--seed',
      'mean',
      '--json',
    )
    expect(JSON.parse(answer).rows).toEqual([
      { dataset: 'cifar10', split: 'ori-test', epochs: 200, seed: 'mean', accuracyPct: 89 },
    ])
  })

  test('lists the best by a column, and the least', async () => {
    const indices = async (...args: readonly string[]) => {
      printed = ''
      return JSON.parse(await query(...args, '--json')).rows.map(({ index }: { index: number }) => index)
    }
    expect(await indices('--top', '2', '--by', 'cifar10/ori-test/200/mean')).toEqual([10, 11])
    expect(await indices('--bottom', '1', '--by', 'params-M')).toEqual([10])
    expect(await indices('--top', '1', '--dataset', 'cifar10')).toEqual([10])
  })

  test('correlates two columns', async () => {
    const answer = JSON.parse(await query('--correlate', 'params-M,cifar10/ori-test/200/mean', '--json'))
    expect(answer.rows.map(({ value }: { value: number }) => value)).toEqual(Array(3).fill(expect.closeTo(-1, 12)))
  })

  test('writes CSV, Markdown and Arrow', async () => {
    expect(await query('10', '11', '--columns', 'params-M,unique', '--format', 'csv')).toContain(
      `10,${space.at(10)},0.1,s0`,
    )
    const file = join(home, 'answer.arrow')
    await query('10', '11', '--columns', 'params-M,unique', '--format', 'arrow', '--out', file)
    const table = loadArrow().tableFromIPC(readFileSync(file))
    expect(table.getChild('params-M')?.toJSON()).toEqual([0.1, 0.2])
    expect(table.getChild('unique')?.toJSON()).toEqual(['s0', 's1'])
  })

  test.each([
    [['10', '--seed', 'men'], 'expected a seed, as 777, or mean'],
    [[], 'name an architecture'],
    [['--top', '3'], '--top of 2 columns: say which with --by'],
    [['--top', '3', '--by', 'params'], 'did you mean "params-M"'],
    [['--correlate', 'params-M'], '--correlate takes two columns, found 1'],
    [['10', '--format', 'arrow'], '--format arrow needs a file: --out FILE.arrow'],
    [['10', '--curves'], 'table mine has no per-epoch curves'],
    [['99'], 'table mine has no row for 99'],
    [['10', '--neighbours', '--isomorphic'], "'--isomorphic' cannot be used with option '--neighbours'"],
    [['--top', '3', '--bottom', '3'], "option '--top <n>' cannot be used with option '--bottom <n>'"],
    [['10', '--top', '3'], 'are of the whole table; leave out 10'],
    [['10', '--by', 'params-M'], 'give one of them'],
    [['10', '11', '--rank'], '--rank is of the accuracies of one architecture'],
  ])('refuses %j', async (args, message) => {
    await expect(query(...args)).rejects.toThrow(message)
  })
})

describe('bench pareto', () => {
  test('lists the front, and draws it', async () => {
    const picture = join(home, 'front.svg')
    const args = ['--table', 'mine', '--x', 'params-M', '--y', 'cifar10-valid/x-valid/12/mean', '--picture', picture]
    const front = JSON.parse(await bench(paretoCommand, ...args, '--json'))
    expect(front.rows.map(({ index }: { index: number }) => index)).toEqual([10, 11, 12, 13])
    expect(readFileSync(picture, 'utf8')).toContain('<svg')
  })

  test('refuses numbers that no architecture has both of, and columns that two files have', async () => {
    const hardware = join(home, 'pixel3.csv')
    writeFileSync(hardware, `arch,latency:pixel3\n${space.at(99)},1\n`)
    const args = ['--table', 'mine', '--x', 'latency:pixel3', '--y', 'params-M', '--hardware', hardware]
    await expect(bench(paretoCommand, ...args)).rejects.toThrow(
      'no architecture of table mine has both latency:pixel3 and params-M',
    )
    await expect(bench(paretoCommand, ...args, '--hardware', hardware)).rejects.toThrow(
      'have a column "latency:pixel3"',
    )
  })

  test('suggests the nearest column', async () => {
    const attempt = bench(paretoCommand, '--table', 'mine', '--x', 'latency:pixel3', '--y', 'params')
    await expect(attempt).rejects.toThrow('unknown column "latency:pixel3"')
  })
})
