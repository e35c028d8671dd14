/** Makes the tables that `bench query`, `bench pareto` and `bench tables info` print about a lookup table. */

import { dirname, join } from 'node:path'
import { sampleCorrelation } from 'simple-statistics'
import { rankCorrelations } from '../../analysis/statistics/rankCorrelation.ts'
import { formatQualifier, parseQualifier, type Qualifier } from '../../core/metric.ts'
import { pluralize } from '../../core/plainText.ts'
import { DEGENERATE } from '../../core/score.ts'
import { isAccuracy } from '../../tables/columnNames.ts'
import type { Manifest } from '../../tables/manifest.ts'
import { type FrontPoint, type QualifierFilter, rankOf } from '../../tables/query.ts'
import type { Curve } from '../../tables/readCurves.ts'
import type { Table } from '../../tables/table.ts'
import { type Cell, column, count, digitsFor, number, type Tabular, word } from '../formats/tabular.ts'

/**
 * Returns the note below every printed table that describes the lookup table: its name, size, search space and source.
 */
const origin = ({ name, space, rows, architectures, source }: Manifest): string => {
  const part = architectures === null || rows === architectures ? '' : ` of ${architectures}`
  const made = source.format === 'built' ? 'trained by its recipe' : `from ${source.name}`
  return `table ${name}: ${part === '' ? pluralize(rows, 'architecture') : `${rows}${part} architectures`} of ${space}, ${made}`
}

/**
 * Returns the printed table of one architecture, with one of its accuracies in each row.
 * @param ranks whether each accuracy's rank in the lookup table is shown
 */
export function architectureTable(
  table: Table,
  index: number,
  qualifiers: readonly Qualifier[],
  ranks: boolean,
): Tabular {
  const row = table.row(index) as number
  const lines = qualifiers.map((qualifier): Cell[] => {
    const { dataset, split, epochs, seed } = qualifier
    const accuracies = table.accuracy(qualifier)
    const rank = ranks ? rankOf(table, accuracies, row) : undefined
    return [
      word(dataset),
      word(split),
      count(epochs),
      word(String(seed)),
      number(accuracies.at(row), 2),
      ...(ranks ? [count(rank?.rank), count(rank?.of)] : []),
    ]
  })
  return {
    columns: [
      column('dataset', 'Dataset'),
      column('split', 'Split'),
      column('epochs', 'Epochs'),
      column('seed', 'Seed'),
      column('accuracyPct', 'Accuracy (%)'),
      ...(ranks ? [column('rank', 'Rank'), column('of', 'of')] : []),
    ],
    rows: lines,
    notes: [`#${index} ${table.arch(index)}`, origin(table.manifest)],
  }
}

/**
 * Returns the printed table of one architecture's training curves: accuracy and loss after each epoch, for the
 * trainings that match the filter.
 */
export function curvesTable(table: Table, index: number, curves: readonly Curve[], filter: QualifierFilter): Tabular {
  const parts = ['dataset', 'split', 'epochs', 'seed'] as const
  const wanted = curves.filter((curve) =>
    parts.every((part) => filter[part] === undefined || curve[part] === filter[part]),
  )
  return {
    columns: [
      column('dataset', 'Dataset'),
      column('split', 'Split'),
      column('epochs', 'Epochs'),
      column('seed', 'Seed'),
      column('epoch', 'Epoch'),
      column('accuracyPct', 'Accuracy (%)'),
      column('loss', 'Loss'),
    ],
    rows: wanted.flatMap(({ dataset, split, epochs, seed, accuracyPct, loss }) =>
      accuracyPct.map((accuracy, epoch) => [
        word(dataset),
        word(split),
        count(epochs),
        count(seed),
        count(epoch + 1),
        number(accuracy ?? undefined, 2),
        number(loss[epoch] ?? undefined, 4),
      ]),
    ),
    notes: [
      `#${index} ${table.arch(index)}, trainings and splits after each epoch: ${wanted.length}`,
      origin(table.manifest),
    ],
  }
}

/** A list of architectures to print: which architectures of the lookup table, and which of its columns. */
export interface Listing {
  readonly indices: readonly number[]
  readonly columns: readonly string[]
  /** Whether the columns were chosen by default; then columns that do not fit into the terminal are left out. */
  readonly byDefault: boolean
  /**
   * Returns how a listed architecture differs from the one that the user named. If this function is present, a narrow
   * terminal leaves out the column of architecture strings first.
   */
  readonly change?: (index: number) => string
  readonly note: string
}

/** Returns the printed list of architectures of a lookup table, one in each row. */
export function architecturesTable(table: Table, { indices, columns, byDefault, change, note }: Listing): Tabular {
  const readers = columns.map((name) => cellReader(table, name))
  const ranks = byDefault ? dispensability(columns) : new Map<string, number>()
  const arch = column('arch', 'Architecture')
  const isOptional = (name: string) => ({ ...column(name), ...(ranks.has(name) && { optional: ranks.get(name) }) })
  return {
    columns: [
      column('index', 'Index'),
      ...(change ? [column('change', 'Change'), { ...arch, optional: Number.POSITIVE_INFINITY }] : [arch]),
      ...columns.map(isOptional),
    ],
    rows: indices.map((index) => {
      const row = table.row(index) as number
      const text = word(table.arch(index) as string)
      return [count(index), ...(change ? [word(change(index))] : []), text, ...readers.map((cell) => cell(row))]
    }),
    notes: [note, origin(table.manifest)],
  }
}

/** Number of accuracy columns that a list of architectures shows even in a narrow terminal. */
const LEAST_NUMBERS = 2

/**
 * Returns for each accuracy column a number by which a narrow terminal leaves columns out, highest first: accuracies of
 * single seeds, then those of short trainings, then those on training images.
 */
function dispensability(names: readonly string[]): ReadonlyMap<string, number> {
  const accuracies = names.filter(isAccuracy).map((name) => ({ name, ...parseQualifier(name) }))
  const longest = (of: Qualifier) =>
    Math.max(
      ...accuracies.filter(({ dataset, split }) => dataset === of.dataset && split === of.split).map((q) => q.epochs),
    )
  const ranked = accuracies.map((qualifier, position) => {
    const { name, split, epochs, seed } = qualifier
    const reasons = [seed !== 'mean', epochs < longest(qualifier), split === 'train'].map(Number)
    return { name, rank: 1e6 * (4 * reasons[0] + 2 * reasons[1] + reasons[2]) + position }
  })
  const dispensable = ranked.sort((a, b) => a.rank - b.rank).slice(LEAST_NUMBERS)
  return new Map(dispensable.map(({ name, rank }) => [name, rank]))
}

function cellReader(table: Table, name: string): (row: number) => Cell {
  if (!table.isText(name)) {
    const numbers = table.column(name)
    return (row) => digits(numbers.at(row), name)
  }
  const texts = table.text(name)
  return (row) => word(texts.at(row))
}

/**
 * Returns the printed table of a Pareto front, starting with the architecture with the best x.
 * @param compared number of architectures of the lookup table that have both x and y
 */
export function frontTable(
  table: Table,
  names: readonly [x: string, y: string],
  front: readonly FrontPoint[],
  compared: number,
): Tabular {
  const indices = [...table.indices()]
  const archs = table.text('arch')
  return {
    columns: [column('index', 'Index'), column('arch', 'Architecture'), ...names.map((name) => column(name))],
    rows: front.map(({ row, x, y }) => [
      count(indices[row]),
      word(archs.at(row) ?? ''),
      digits(x, names[0]),
      digits(y, names[1]),
    ]),
    notes: [
      `${front.length} of ${pluralize(compared, 'architecture')} that have both numbers; of equal ones the first`,
      origin(table.manifest),
    ],
  }
}

/**
 * Returns the table cell of a value: an accuracy with two digits after the decimal point, any other value with at least
 * four significant digits.
 */
function digits(value: number | undefined, name: string): Cell {
  return number(value, isAccuracy(name) ? 2 : Number.isInteger(value) ? 0 : digitsFor(value ?? 0, 4))
}

/**
 * Returns the printed table of the Pearson, Spearman and Kendall correlations of two columns of a lookup table.
 * @param names names of the two columns; `x` and `y` hold their values in every row that has both
 * @param among phrase for the note that says which architectures were used
 */
export function correlationTable(
  { names, x, y }: { readonly names: readonly [string, string]; readonly x: number[]; readonly y: number[] },
  manifest: Manifest,
  among = '',
): Tabular {
  // Pearson's r would be decided by the number in place of a score of a degenerate network.
  const proper = [...x.keys()].filter((i) => Math.abs(x[i]) !== DEGENERATE && Math.abs(y[i]) !== DEGENERATE)
  const [properX, properY] = [x, y].map((values) => proper.map((i) => values[i]))
  const constant = [properX, properY].some((values) => values.every((value) => value === values[0]))
  const { spearman, kendall } = rankCorrelations(x, y)
  const lines: readonly (readonly [string, number | undefined, number])[] = [
    ['Pearson', constant ? undefined : sampleCorrelation(properX, properY), proper.length],
    ['Spearman', spearman, x.length],
    ['Kendall τ-b', kendall, x.length],
  ]
  return {
    columns: [column('statistic', 'Correlation'), column('value', 'Value'), column('n')],
    rows: lines.map(([name, value, n]) => [word(name), number(value, 4), count(n)]),
    notes: [`${names.join(' with ')}${among && `, of architectures${among}`}`, origin(manifest)],
  }
}

/**
 * Returns what `bench tables info` prints: a table of the accuracies that a lookup table has, and notes on the lookup
 * table's source, files and other columns.
 */
export function manifestTable(manifest: Manifest, path: string): Tabular {
  const { name, source, table, curves, columns, oracles, notes } = manifest
  const others = columns.filter((entry) => !isAccuracy(entry.name)).map((entry) => entry.name)
  return {
    columns: [
      column('dataset', 'Dataset'),
      column('split', 'Split'),
      column('epochs', 'Epochs'),
      column('seeds', 'Seeds'),
      column('missing', 'Missing'),
    ],
    rows: accuracyGroups(columns),
    notes: [
      origin(manifest),
      `source ${source.name}, ${source.format}, SHA-256 ${source.sha256}`,
      `file ${join(dirname(path), table.file)}, ${pluralize(table.bytes, 'byte')}, SHA-256 ${table.sha256}`,
      curves === undefined
        ? `${name} has no per-epoch curves`
        : `curves ${curves.file}, ${pluralize(curves.bytes, 'byte')}`,
      `other columns: ${others.join(', ')}`,
      `searched on: ${Object.keys(oracles).join(', ') || 'nothing'}`,
      ...notes,
    ],
  }
}

/**
 * Returns a table row for each combination of dataset, split and number of epochs among a lookup table's accuracies:
 * the training seeds, and for each seed the number of architectures that lack the accuracy.
 */
function accuracyGroups(columns: Manifest['columns']): Cell[][] {
  const groups = new Map<string, { qualifier: Qualifier; seeds: string[]; missing: string[] }>()
  for (const { name, missing } of columns.filter((entry) => isAccuracy(entry.name))) {
    const qualifier = parseQualifier(name)
    const key = name.slice(0, name.lastIndexOf('/'))
    const group = groups.get(key) ?? { qualifier, seeds: [], missing: [] }
    group.seeds.push(String(qualifier.seed))
    if (missing > 0) group.missing.push(`${missing} of seed ${qualifier.seed}`)
    groups.set(key, group)
  }
  return [...groups.values()].map(({ qualifier, seeds, missing }) => [
    word(qualifier.dataset),
    word(qualifier.split),
    count(qualifier.epochs),
    word(seeds.join(', ')),
    word(missing.join(', ') || 'nothing'),
  ])
}

/** Returns the names of accuracies as columns of a lookup table: `dataset/split/epochs/seed`. */
export const qualifierNames = (qualifiers: readonly Qualifier[]): string[] => qualifiers.map(formatQualifier)
