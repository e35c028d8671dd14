/** `bench query` */
import { resolve } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import { writeAtomically } from '../../core/atomicFile.ts'
import { BenchError } from '../../core/errors.ts'
import { unknownName } from '../../core/names.ts'
import { renderArrow } from '../../report/formats/arrow.ts'
import { renderTable, TABLE_FORMATS, type TableFormat } from '../../report/formats/renderTable.ts'
import type { Tabular } from '../../report/formats/tabular.ts'
import {
  architecturesTable,
  architectureTable,
  correlationTable,
  curvesTable,
  qualifierNames,
} from '../../report/listings/queryTables.ts'
import { builtinSpace } from '../../spaces/index.ts'
import { openTable } from '../../tables/openTable.ts'
import {
  columnOf,
  findArchitecture,
  isomorphicTo,
  neighboursOf,
  ordered,
  pairs,
  selectQualifiers,
} from '../../tables/query.ts'
import type { Table } from '../../tables/table.ts'
import { commaList, outOption, positiveInteger } from '../options.ts'
import { writeOutput } from '../output.ts'

const FORMATS = [...TABLE_FORMATS, 'arrow'] as const

interface QueryFlags {
  readonly table: string
  readonly dataset?: string
  readonly split?: string
  readonly epochs?: number
  readonly seed?: number | 'mean'
  readonly columns?: readonly string[]
  readonly rank?: boolean
  readonly isomorphic?: boolean
  readonly neighbours?: boolean
  readonly top?: number
  readonly bottom?: number
  readonly by?: string
  readonly correlate?: readonly string[]
  readonly curves?: boolean
  readonly format: TableFormat | 'arrow'
  readonly json?: boolean
  readonly out?: string
}

export function queryCommand(): Command {
  return new Command('query')
    .summary('look architectures up in a table: numbers, ranks, best, neighbours, correlations')
    .description('Looks architectures up, by their index or their string. What is not narrowed down is shown in full.')
    .argument('[architectures...]', 'as 6111, or as "|nor_conv_3x3~0|+|…|"')
    .option('--table <name>', 'table, by name or path', 'nb201-micro')
    .option('--dataset <name>', 'only numbers of this dataset, as cifar10-valid')
    .option('--split <name>', 'only of this split: train, x-valid, x-test or ori-test')
    .option('--epochs <n>', 'only after this many training epochs', positiveInteger)
    .option('--seed <seed>', 'only of this training seed, or mean', seed)
    .option('--columns <names>', 'these columns instead, as params-M,flops-M', commaList)
    .addOption(question('--rank', 'also the rank of each number of one architecture in its column'))
    .addOption(question('--isomorphic', 'all architectures that compute the same function'))
    .addOption(question('--neighbours', 'all architectures that differ in one operation'))
    .addOption(question('--top <n>', 'the n best architectures by one column').argParser(positiveInteger))
    .addOption(question('--bottom <n>', 'the n with the least').argParser(positiveInteger))
    .option('--by <column>', 'what --top and --bottom go by, as cifar10/ori-test/200/mean')
    .addOption(question('--correlate <columns>', 'how two columns go together, as A,B').argParser(commaList))
    .addOption(question('--curves', 'every epoch of one architecture’s trainings, from the table’s second file'))
    .option('--format <name>', `of the answer: ${FORMATS.join(', ')}`, format, 'text')
    .option('--json', 'the same as --format json')
    .addOption(outOption())
    .addHelpText(
      'after',
      '\nExamples:\n  bench query 6111 --table nb201 --dataset cifar10 --rank\n' +
        '  bench query --table nb201 --top 5 --by cifar10/ori-test/200/mean',
    )
    .action(query)
}

const QUESTIONS = ['rank', 'isomorphic', 'neighbours', 'top', 'bottom', 'correlate', 'curves']

/** One of the questions, of which only one is answered. */
const question = (flags: string, description: string): Option => {
  const option = new Option(flags, description)
  return option.conflicts(QUESTIONS.filter((name) => name !== option.attributeName()))
}

async function query(architectures: readonly string[], flags: QueryFlags): Promise<void> {
  const table = await openTable(flags.table)
  const answered = flags.curves ? await curves(table, architectures, flags) : answer(table, architectures, flags)
  write(answered, flags.json ? 'json' : flags.format, flags.out)
}

async function curves(table: Table, architectures: readonly string[], flags: QueryFlags): Promise<Tabular> {
  if (architectures.length !== 1) {
    throw new BenchError('bad-input', `--curves takes one architecture, found ${architectures.length}`)
  }
  const { readCurves } = await import('../../tables/readCurves.ts')
  const index = findArchitecture(table, builtinSpace(table.manifest.space), architectures[0])
  return curvesTable(table, index, await readCurves(flags.table, index), flags)
}

function answer(table: Table, architectures: readonly string[], flags: QueryFlags): Tabular {
  const ofTheTable = [flags.correlate, flags.top, flags.bottom].some((flag) => flag !== undefined)
  if (ofTheTable) return answerOfTable(table, architectures, flags)
  if (architectures.length === 0) {
    throw new BenchError('bad-input', 'name an architecture, by index or string; or ask with --top or --correlate')
  }
  if (flags.by !== undefined)
    throw new BenchError('bad-input', '--by says what --top or --bottom go by; give one of them')
  const space = builtinSpace(table.manifest.space)
  const indices = architectures.map((text) => findArchitecture(table, space, text))
  if (flags.isomorphic) return related(table, indices, flags, 'the same function', (i) => isomorphicTo(table, space, i))
  if (flags.neighbours)
    return related(table, indices, flags, 'one operation apart', (i) => neighboursOf(table, space, i))
  const single = indices.length === 1 && flags.columns === undefined
  if (flags.rank && !single) {
    throw new BenchError(
      'bad-input',
      '--rank is of the accuracies of one architecture; leave out the others and --columns',
    )
  }
  if (single) {
    return architectureTable(table, indices[0], selectQualifiers(table, flags), flags.rank ?? false)
  }
  return architecturesTable(table, indices, columnsOf(table, flags), `${indices.length} architectures`)
}

/** Of all its architectures, so that none is to be named. */
function answerOfTable(table: Table, architectures: readonly string[], flags: QueryFlags): Tabular {
  if (architectures.length > 0) {
    throw new BenchError(
      'bad-input',
      `--top, --bottom and --correlate are of the whole table; leave out ${architectures[0]}`,
    )
  }
  return flags.correlate === undefined ? extremes(table, flags) : correlation(table, flags.correlate)
}

function related(
  table: Table,
  indices: readonly number[],
  flags: QueryFlags,
  how: string,
  relation: (index: number) => readonly number[],
): Tabular {
  const found = [...new Set(indices.flatMap(relation))]
  const note = `${how} as #${indices.join(', #')}: ${found.length} that the table has`
  return architecturesTable(table, found, columnsOf(table, flags), note)
}

function extremes(table: Table, flags: QueryFlags): Tabular {
  const columns = columnsOf(table, flags)
  const by = flags.by ?? (columns.length === 1 ? columns[0] : undefined)
  if (by === undefined) {
    throw new BenchError('bad-input', `--top of ${columns.length} columns: say which with --by, as --by ${columns[0]}`)
  }
  const order = flags.top === undefined ? 'lowest' : 'highest'
  const indices = [...table.indices()]
  const rows = ordered(table, columnOf(table, by), order)
  const shown = [by, ...(flags.columns ?? [])]
  return architecturesTable(
    table,
    rows.slice(0, flags.top ?? flags.bottom).map((row) => indices[row]),
    [...new Set(shown)],
    `${order} ${by} of the ${rows.length} architectures that have it`,
  )
}

function correlation(table: Table, names: readonly string[]): Tabular {
  if (names.length !== 2) throw new BenchError('bad-input', `--correlate takes two columns, found ${names.length}`)
  const [x, y] = names
  const both = pairs(table, columnOf(table, x), columnOf(table, y))
  return correlationTable({ names: [x, y], ...both }, table.manifest)
}

/** Those named; else the accuracies that the filter leaves. */
const columnsOf = (table: Table, flags: QueryFlags): readonly string[] =>
  flags.columns ?? qualifierNames(selectQualifiers(table, flags))

function write(answered: Tabular, as: TableFormat | 'arrow', out: string | undefined): void {
  if (as !== 'arrow') writeOutput(renderTable(answered, as), out)
  else if (out === undefined) throw new BenchError('bad-input', '--format arrow needs a file: --out FILE.arrow')
  else writeAtomically(resolve(out), renderArrow(answered))
}

function seed(text: string): number | 'mean' {
  if (text === 'mean' || /^\d+$/.test(text)) return text === 'mean' ? text : Number(text)
  throw new InvalidArgumentError('expected a seed, as 777, or mean.')
}

function format(name: string): TableFormat | 'arrow' {
  const known = FORMATS.find((other) => other === name)
  if (known === undefined) throw unknownName('format', name, FORMATS)
  return known
}
