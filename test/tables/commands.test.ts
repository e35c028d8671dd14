import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { paretoCommand } from '../../src/cli/commands/pareto.ts'
import { queryCommand } from '../../src/cli/commands/query.ts'
import { tablesCommand } from '../../src/cli/commands/tables.ts'
import { throwUsageErrors } from '../../src/cli/usageErrors.ts'
import { neighbours } from '../../src/core/space.ts'
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
    (index, i) => `${index},${space.at(index)},${60 + i},${90 - i},${(i + 1) / 10},s${i}`,
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

  test('merges imported tables, but not with built tables', async () => {
    const text = await bench(tablesCommand, 'merge', 'mine', 'mine', '--as', 'merged')
    expect(text).toBe('table merged: 4 of 15625 architectures, 0.0 MB\n')
    await expect(bench(tablesCommand, 'merge', 'nb201-micro', 'mine', '--as', 'mixed')).rejects.toThrow(
      'table nb201-micro was built by a recipe, mine was imported; only tables of one kind can be merged',
    )
  })

  test('refuses an incomplete source without --partial', async () => {
    const attempt = bench(tablesCommand, 'import', source, '--as', 'part', '--quiet')
    await expect(attempt).rejects.toThrow('--partial imports what is there')
    await expect(bench(tablesCommand, 'import', source, '--as', 'nb201-micro', '--partial')).rejects.toThrow(
      'table nb201-micro comes with the package',
    )
  })
})

describe('bench query', () => {
  const query = (...args: readonly string[]) => bench(queryCommand, ...args, '--table', 'mine')

  test('shows each number of an architecture with its qualifier and rank', async () => {
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

  test('lists the highest and the lowest by a column', async () => {
    const indices = async (...args: readonly string[]) => {
      printed = ''
      return JSON.parse(await query(...args, '--json')).rows.map(({ index }: { index: number }) => index)
    }
    expect(await indices('--top', '2', '--by', 'cifar10/ori-test/200/mean')).toEqual([10, 11])
    expect(await indices('--bottom', '1', '--by', 'params-M')).toEqual([10])
    expect(await indices('--top', '1', '--dataset', 'cifar10')).toEqual([10])
  })

  test('shows the accuracies that are selected beside the column that orders', async () => {
    const columnsOf = async (...args: readonly string[]) => {
      printed = ''
      const [row] = JSON.parse(await query('--top', '1', ...args, '--json')).rows
      return Object.keys(row).slice(2)
    }
    expect(await columnsOf('--by', 'params-M')).toEqual(['params-M'])
    const wanted = ['params-M', 'cifar10-valid/x-valid/12/mean']
    expect(await columnsOf('--by', 'params-M', '--epochs', '12')).toEqual(wanted)
    expect(await columnsOf('--by', 'params-M', '--split', 'x-valid', '--where', 'params-M>0')).toEqual(wanted)
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
    [[], 'no architecture is named; name one'],
    [['--top', '3'], '--top of 2 columns: say which with --by'],
    [['--top', '3', '--by', 'params'], 'did you mean "params-M"'],
    [['--correlate', 'params-M,unique', '--dataset', 'cifar10'], 'the two columns that it names; leave out --dataset'],
    [['--correlate', 'params-M'], '--correlate takes two columns, or the word scores; found 1'],
    [['10', '--format', 'arrow'], '--format arrow needs a file: --out FILE.arrow'],
    [['10', '--curves'], 'table mine has no per-epoch curves'],
    [['99'], 'table mine has no row for 99'],
    [['10', '--neighbours', '--isomorphic'], "'--isomorphic' cannot be used with option '--neighbours'"],
    [['--top', '3', '--bottom', '3'], "option '--top <n>' cannot be used with option '--bottom <n>'"],
    [['10', '--top', '3'], '--top asks about the whole table; leave out 10'],
    [['10', '--by', 'params-M'], 'give one of them'],
    [['10', '11', '--rank'], '--rank ranks one architecture'],
  ])('refuses %j', async (args, message) => {
    await expect(query(...args)).rejects.toThrow(message)
  })
})

describe('bench query without --table', () => {
  const query = (...args: readonly string[]) => bench(queryCommand, ...args)
  // The table that an earlier test merged has the same columns.
  beforeAll(() => rmSync(join(home, 'tables', 'merged.manifest.json')))
  const BOTH = '2 tables have params-M: nb201-micro, mine; name one, as --table nb201-micro'

  test.each([
    [['--top', '1', '--by', 'cifar10/ori-test/200/mean']],
    [['--bottom', '1', '--by', 'params-M', '--dataset', 'cifar10']],
    [['11', '12', '--columns', 'params-M,cifar10-valid/x-valid/12/mean']],
    [['--correlate', 'params-M,cifar10/ori-test/200/mean']],
    [['--where', 'cifar10/ori-test/200/mean>88', '--columns', 'params-M']],
    [['11', '--split', 'ori-test']],
    [['11', '--neighbours', '--epochs', '12']],
  ])('asks the only table that has what is named: %j', async (args) => {
    expect(await query(...args)).toContain('table mine: 4 of 15625 architectures of nb201')
  })

  test.each([
    [['--top', '1', '--by', 'params-M'], BOTH],
    [['11', '--seed', 'mean'], '2 tables have seed mean: nb201-micro, mine; name one'],
    [['11'], '2 tables are here: nb201-micro, mine; name one'],
    [[space.at(11)], '2 tables are here: nb201-micro, mine; name one'],
    [
      ['--top', '1', '--by', 'cifar10/ori-test/200/men'],
      'unknown column of the tables here "cifar10/ori-test/200/men"; did you mean',
    ],
    [['11', '--dataset', 'shaps'], 'unknown dataset of the tables here "shaps"; did you mean "shapes"'],
    [
      ['--correlate', 'shapes/x-test/4/mean,cifar10/ori-test/200/mean'],
      'no one table has shapes/x-test/4/mean, cifar10/ori-test/200/mean (there are: nb201-micro of nb201, mine of nb201)',
    ],
  ])('lists the tables that have it, or says that none has: %j', async (args, message) => {
    await expect(query(...args)).rejects.toThrow(message)
  })

  test('works for bench pareto, too', async () => {
    const front = bench(paretoCommand, '--x', 'params-M', '--y', 'cifar10/ori-test/200/mean')
    expect(await front).toContain('table mine')
    await expect(bench(paretoCommand, '--x', 'params-M', '--y', 'flops-M', '--table', 'mine')).rejects.toThrow(
      'flops-M',
    )
    await expect(bench(paretoCommand, '--x', 'params-M', '--y', 'params-M')).rejects.toThrow('2 tables have params-M')
  })
})

describe('bench query --where', () => {
  const indices = async (...args: readonly string[]) => {
    printed = ''
    const answer = JSON.parse(await bench(queryCommand, ...args, '--table', 'mine', '--json'))
    return answer.rows.map(({ index }: { index: number }) => index)
  }
  const where = (...texts: readonly string[]) => texts.flatMap((text) => ['--where', text])

  test.each([
    ['params-M<0.3', [10, 11]],
    ['params-M <= 0.3', [10, 11, 12]],
    ['params-M>0.3', [13]],
    ['params-M>=0.3', [12, 13]],
    ['params-M=0.3', [12]],
    ['params-M==0.3', [12]],
    ['params-M!=0.3', [10, 11, 13]],
    ['index>1e1', [11, 12, 13]],
    ['unique=s1', [11]],
    ['unique != s1', [10, 12, 13]],
    ['cifar10/ori-test/200/mean<-1', []],
  ])('keeps the architectures of which %s', async (condition, expected) => {
    expect(await indices(...where(condition))).toEqual(expected)
  })

  test('can be combined with other conditions, with an order, and with related architectures', async () => {
    expect(await indices(...where('params-M>0.15', 'cifar10/ori-test/200/mean>87'))).toEqual([11, 12])
    expect(await indices(...where('params-M>0.15'), '--by', 'cifar10-valid/x-valid/12/mean')).toEqual([13, 12, 11])
    expect(await indices(...where('params-M>0.15'), '--top', '1', '--by', 'cifar10/ori-test/200/mean')).toEqual([11])
    expect(await indices(...where('params-M<0.35'), '--bottom', '2', '--by', 'cifar10/ori-test/200/mean')).toEqual([
      12, 11,
    ])
  })

  test('selects the rows that are correlated', async () => {
    const args = [
      '--correlate',
      'params-M,cifar10/ori-test/200/mean',
      ...where('params-M<0.35'),
      '--table',
      'mine',
      '--json',
    ]
    expect(JSON.parse(await bench(queryCommand, ...args)).rows[0].n).toBe(3)
  })

  test.each([
    ['params-M', 'is not a condition; expected a column'],
    ['<0.5', 'is not a condition'],
    ['params-M<', 'is not a condition'],
    ['params-M<<0.5', 'is not a condition'],
    ['0<params-M<0.5', 'is not a condition'],
    ['', 'is not a condition'],
    ['params-M<small', 'params-M holds numbers, and "small" is not a number'],
    ['params-M<Infinity', 'params-M holds numbers, and "Infinity" is not a number'],
    ['unique<s1', 'unique holds text, which is only = or !='],
    ['parms-M<0.5', 'did you mean "params-M"'],
  ])('refuses %s', async (condition, message) => {
    await expect(indices(...where(condition))).rejects.toThrow(message)
  })

  test.each([[['11']], [['11', '12']], [['11', '--rank']], [['11', '--curves']]])(
    'refuses to choose among architectures that are named: %j',
    async (args) => {
      await expect(indices(...args, ...where('params-M<1'))).rejects.toThrow('and they are named')
    },
  )
})

describe('a list of architectures', () => {
  const lines = (width: number | undefined, ...args: readonly string[]) => {
    Object.defineProperty(process.stdout, 'columns', { value: width, configurable: true })
    return bench(queryCommand, ...args).then((text) => text.trimEnd().split('\n'))
  }
  afterAll(() => Reflect.deleteProperty(process.stdout, 'columns'))
  const widest = (text: readonly string[]) => Math.max(...text.map(({ length }) => length))

  beforeAll(() => {
    // As many accuracies as the full table has.
    const head = ['cifar10-valid', 'cifar10', 'cifar100', 'ImageNet16-120'].flatMap((dataset) =>
      ['train', 'x-valid', 'x-test'].flatMap((split) =>
        ['777', 'mean'].map((seed) => `${dataset}/${split}/200/${seed}`),
      ),
    )
    const own = 6111
    const indices = [
      own,
      ...neighbours(nb201, nb201.parse(space.at(own))).map((other) => space.indexOf(nb201.format(other))),
    ]
    const rows = indices.map((index) => [index, space.at(index), ...head.map((_, i) => 50 + i)].join(','))
    writeFileSync(join(home, 'wide.csv'), `${[['index', 'arch', ...head].join(','), ...rows].join('\n')}\n`)
    return bench(tablesCommand, 'import', join(home, 'wide.csv'), '--as', 'wide', '--partial', '--quiet')
  })

  test.each([80, 100, 120, 200, undefined])('of neighbours fits a terminal of %s signs', async (width) => {
    const text = await lines(width, '6111', '--neighbours', '--table', 'wide')
    expect(text.filter((line) => /^ *\d+ {2}\d→\d \w/.test(line))).toHaveLength(24)
    expect(widest(text)).toBeLessThanOrEqual(width ?? 80)
    // No narrower than it has to be: one more column would not fit.
    expect(widest(text)).toBeGreaterThan((width ?? 80) - 20)
    expect(text.at(-1)).toMatch(/^\d+ more columns do not fit \d+ characters; --format csv has all$/)
  })

  test('shows means before single seeds, and tests before training', async () => {
    const text = (await lines(80, '6111', '--neighbours', '--table', 'wide')).join('\n')
    expect(text).toContain('x-valid/200/mean')
    expect(text).not.toMatch(/777|train/)
  })

  test('can be restricted by --where', async () => {
    const { rows } = JSON.parse(
      await bench(queryCommand, '6111', '--neighbours', '--table', 'wide', '--where', 'index<5000', '--json'),
    )
    const indices = rows.map(({ index }: { index: number }) => index)
    expect(indices.sort((a: number, b: number) => a - b)).toEqual([1162, 1317, 3166, 3731, 3888, 4237])
  })

  test('has every column that is named, and in other formats all columns', async () => {
    const named = [
      'cifar10/x-test/200/777',
      'cifar100/train/200/777',
      'cifar100/x-test/200/mean',
      'cifar10/train/200/mean',
    ]
    const text = await lines(80, '6111', '--neighbours', '--table', 'wide', '--columns', named.join(','))
    expect(text.join('\n')).not.toContain('do not fit')
    printed = ''
    const [head] = await lines(80, '6111', '--neighbours', '--table', 'wide', '--format', 'csv')
    expect(head.split(',')).toHaveLength(3 + 24)
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

  test('refuses two columns that no architecture has both of, and a column that two files have', async () => {
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
