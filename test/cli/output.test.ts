import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { dataCommand } from '../../src/cli/commands/data.ts'
import { genotypeCommand } from '../../src/cli/commands/genotype.ts'
import { listCommand } from '../../src/cli/commands/list.ts'
import { paretoCommand } from '../../src/cli/commands/pareto.ts'
import { queryCommand } from '../../src/cli/commands/query.ts'
import { tablesCommand } from '../../src/cli/commands/tables.ts'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bench-'))
  vi.spyOn(process.stdout, 'write').mockReturnValue(true)
})
afterEach(() => {
  vi.restoreAllMocks()
  rmSync(folder, { recursive: true })
})

const front = ['--table', 'nb201-micro', '--x', 'params-M', '--y', 'shapes/x-test/4/mean']
const commands: Readonly<Record<string, [() => Command, readonly string[]]>> = {
  query: [queryCommand, ['6111', '--table', 'nb201-micro']],
  pareto: [paretoCommand, front],
  list: [listCommand, ['algos']],
  'data info': [dataCommand, ['info']],
  'tables info': [tablesCommand, ['info', 'nb201-micro']],
  'genotype show': [genotypeCommand, ['show', '6111']],
}

/** Runs a command and returns the file that it writes, as text. */
async function written(name: string, file: string, ...more: readonly string[]): Promise<string> {
  const [command, args] = commands[name]
  const path = join(folder, file)
  await command().parseAsync([...args, '--out', path, ...more], { from: 'user' })
  return readFileSync(path, 'latin1')
}

/** The first characters of a file in each format. */
const beginnings: Readonly<Record<string, RegExp>> = {
  json: /^[[{]/,
  md: /^\| /,
  csv: /^[\w"'/]+,/,
  tex: /^(% .*\n)*\\begin\{tabular\}/,
  txt: /^[^|{[%]/,
  arrow: /^ARROW1/,
  parquet: /^PAR1/,
  svg: /^(<\?xml.*>\s*)?<svg /,
  png: /^\x89PNG/,
  pdf: /^%PDF-/,
}
const writes: Readonly<Record<string, readonly string[]>> = {
  query: ['json', 'md', 'csv', 'tex', 'txt', 'arrow', 'parquet'],
  'genotype show': ['json', 'txt', 'svg', 'png', 'pdf'],
}
const ofTables = ['json', 'md', 'csv', 'tex', 'txt']
const cases = Object.keys(commands).flatMap((name) => Object.keys(beginnings).map((ending) => [name, ending] as const))

describe('the ending of --out', () => {
  test.each(cases)(
    'names the format, or is refused before anything is written: bench %s --out x.%s',
    async (name, ending) => {
      if ((writes[name] ?? ofTables).includes(ending)) {
        expect(await written(name, `x.${ending.toUpperCase()}`)).toMatch(beginnings[ending])
      } else {
        await expect(written(name, `x.${ending}`)).rejects.toThrow(
          `ends in .${ending}, which this command does not write`,
        )
        expect(existsSync(join(folder, `x.${ending}`))).toBe(false)
      }
    },
  )
  test.each([
    ['query', 'x.csv', '--format', 'md'],
    ['query', 'x.arrow', '--json'],
    ['pareto', 'x.tex', '--format', 'csv'],
    ['list', 'x.md', '--json'],
    ['genotype show', 'x.png', '--svg'],
    ['genotype show', 'x.svg', '--json'],
  ])('that contradicts a flag is refused: bench %s --out %s %s %s', async (name, file, ...flags) => {
    const given = flags.filter((flag) => flag !== undefined)
    await expect(written(name, file, ...given)).rejects.toThrow(`and ${given.join(' ')} contradict each other`)
    expect(existsSync(join(folder, file))).toBe(false)
  })
  test('that stands for no format is accepted with any', async () => {
    expect(await written('query', 'answer.old', '--format', 'md')).toMatch(beginnings.md)
    expect(await written('query', 'answer.txt', '--json')).toMatch(beginnings.json)
    expect(await written('query', 'answer')).toMatch(beginnings.txt)
  })
})

test('every named picture is written', async () => {
  const pictures = ['a.pdf', 'b.svg'].map((name) => join(folder, name))
  const flags = pictures.flatMap((path) => ['--picture', path])
  await paretoCommand().parseAsync([...front, ...flags], { from: 'user' })
  expect(pictures.map((path) => beginnings[path.slice(-3)].test(readFileSync(path, 'latin1')))).toEqual([true, true])
})

test('two flags that name different formats are refused', async () => {
  const asked = queryCommand().parseAsync(['6111', '--json', '--format', 'csv'], { from: 'user' })
  await expect(asked).rejects.toThrow('--json and --format csv contradict each other')
})
