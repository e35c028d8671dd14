/**
 * Makes the printable table of a comparison. A cell summarises the accuracies of all seeds, the best mean of a column
 * is marked, and rows from published papers are added below ours.
 */
import { accuracyInterval, bootstrapInterval, type Interval, summarise } from '../../analysis/statistics/summary.ts'
import { capitalize } from '../../core/plainText.ts'
import { random } from '../../core/random.ts'
import { distinct, groupBy } from '../../system/groupBy.ts'
import { flatten } from '../differences.ts'
import { absent, type Cell, count, type Tabular, type TabularColumn, word } from '../formats/tabular.ts'
import { longLabel, networkOf } from '../methods.ts'
import { datasetOf, isFinished } from '../runRecord.ts'
import {
  type Column,
  type Comparison,
  datasetTitle,
  datasetWords,
  type Row,
  rankable,
  searchesOf,
  valuesOf,
} from './comparison.ts'
import { type PublishedRows, type PublishedTable, positionOf, publishedCell } from './published.ts'

const DIGITS = 2

/**
 * The ways to summarise the accuracies of a cell over seeds, each with the sentence that explains it below the table.
 */
export const summaries = {
  std: 'mean ± sample standard deviation (ddof 1) over the seeds, in %',
  ci95: 'mean with 95 % t interval over the seeds, in %',
  bootstrap: 'mean with 95 % percentile bootstrap interval (10,000 resamples) over the seeds, in %',
  median: 'median and interquartile range over the seeds, in %',
} as const

export type SummaryKind = keyof typeof summaries

export interface ComparisonTableOptions {
  readonly summary?: SummaryKind
  /**
   * Rows from published papers to show below ours; their values go into the columns with the same dataset and split.
   */
  readonly published?: PublishedRows
  /**
   * Names of the reference algorithms, which answer with a fixed architecture and do not search, such as `optimal`.
   * Their rows are never marked as the best.
   */
  readonly references?: ReadonlySet<string>
}

/** Returns the printable table of a comparison of searches, with notes that say how its numbers were computed. */
export function comparisonTable(comparison: Comparison, options: ComparisonTableOptions = {}): Tabular {
  const { summary = 'std', published: { table: published, caveat } = {}, references } = options
  const { columns, rows } = comparison
  const lost = rows.some(({ failed, unfinished }) => failed + unfinished > 0)
  const searches = searchesOf(comparison, references)
  const fixed = rows.filter((row) => !searches.includes(row))
  const isMixed = comparison.mixed.length > 0
  const protocols = isMixed ? protocolWords(comparison) : undefined
  // Rows under different protocols are not comparable, and one search has nothing to be better than.
  const isRanked = !isMixed && searches.length > 1
  const ranked = columns.map((_, i) => rankable(searches, ({ cells }) => valuesOf(cells[i])))
  const best = columns.map((_, i) => (isRanked ? bestMean(ranked[i], i) : undefined))
  const isLucky = (row: Row) => best.some((mean, i) => !ranked[i].includes(row) && isBetter(row, i, mean))
  const lucky = searches.filter(isLucky).map(({ method }) => method.label)
  return {
    columns: [
      { title: 'Method', key: 'method' },
      ...(isMixed ? [{ title: 'Protocol', key: 'protocol' }] : []),
      { title: 'Seeds', key: 'seeds' },
      ...(lost
        ? [
            { title: 'Failed', key: 'failed' },
            { title: 'Unfinished', key: 'unfinished' },
          ]
        : []),
      ...columns.map(tabularColumn),
    ],
    rows: [
      ...[...searches, ...fixed].map((row) =>
        ourRow(row, { lost, summary, protocols, best: (i) => ranked[i].includes(row) && isBest(row, i, best[i]) }),
      ),
      ...(published ? publishedRows(published, columns, { lost, isMixed }) : []),
    ],
    ...(published && { apart: published.rows.length }),
    groups: [
      { title: 'Searches', rows: searches.length },
      { title: 'Fixed architectures', rows: fixed.length },
      { title: 'Published, not run here', rows: published?.rows.length ?? 0 },
    ].filter((group) => group.rows > 0),
    notes: [
      ...notesOf(comparison, summary, published),
      ...(lucky.length > 0 ? [`Not marked as the best, since there is one seed only: ${lucky.join(', ')}.`] : []),
      ...(caveat === undefined ? [] : [caveat]),
    ],
  }
}

function tabularColumn(column: Column): TabularColumn {
  const { dataset, split, searchedOn, title, group } = column
  const key = dataset === searchedOn ? `${dataset} ${split}` : `${dataset} ${split} from ${searchedOn}`
  return { title, key, within: [group, split] }
}

interface RowOptions {
  /** Whether the table has the columns `Failed` and `Unfinished` with numbers of runs. */
  readonly lost: boolean
  readonly summary: SummaryKind
  /** Text in the table's column `Protocol` for each row; absent if all runs followed one protocol. */
  readonly protocols?: ReadonlyMap<Row, string>
  best(column: number): boolean
}

function ourRow(row: Row, { lost, summary, protocols, best }: RowOptions): Cell[] {
  return [
    word(row.method.label),
    ...(protocols ? [word(protocols.get(row))] : []),
    count(row.seeds),
    ...(lost ? [count(row.failed), count(row.unfinished)] : []),
    ...row.cells.map((cell, i) => summaryCell(valuesOf(cell), summary, best(i))),
  ]
}

function summaryCell(values: readonly number[], summary: SummaryKind, best: boolean): Cell {
  if (values.length === 0) return absent
  const { n, mean, std, median, iqr } = summarise(values)
  switch (summary) {
    case 'std':
      return { kind: 'statistic', mean, ...(std !== undefined && { std }), n, digits: DIGITS, best }
    case 'ci95':
      return intervalCell(mean, accuracyInterval(values))
    case 'bootstrap':
      return intervalCell(mean, bootstrapInterval(values, random(0, 'table', 'bootstrap')))
    case 'median':
      return word(`${median.toFixed(DIGITS)} (${n > 1 ? iqr.toFixed(DIGITS) : '—'})`)
  }
}

function intervalCell(mean: number, interval: Interval | undefined): Cell {
  const bounds = interval === undefined ? '—' : `${interval.low.toFixed(DIGITS)}, ${interval.high.toFixed(DIGITS)}`
  return word(`${mean.toFixed(DIGITS)} [${bounds}]`)
}

/** Returns the largest mean in a column as it is printed. Every mean with the same printed text is marked as best. */
function bestMean(rows: readonly Row[], column: number): string | undefined {
  const means = rows.flatMap(({ cells }) => printedMean(valuesOf(cells[column])) ?? [])
  return means.sort((a, b) => Number(b) - Number(a))[0]
}

const isBest = (row: Row, column: number, best: string | undefined): boolean =>
  best !== undefined && printedMean(valuesOf(row.cells[column])) === best

/** Returns whether a row's mean is at least the best one, as printed. */
function isBetter(row: Row, column: number, best: string | undefined): boolean {
  const mean = printedMean(valuesOf(row.cells[column]))
  return mean !== undefined && best !== undefined && Number(mean) >= Number(best)
}

function printedMean(values: readonly number[]): string | undefined {
  return values.length === 0 || values.some(Number.isNaN) ? undefined : summarise(values).mean.toFixed(DIGITS)
}

/**
 * Returns for each row a text that names its protocol. Protocols with equal names are told apart by the settings in
 * which they differ.
 */
function protocolWords({ rows, mixed }: Comparison): ReadonlyMap<Row, string> {
  const protocolOf = ({ method }: Row) => method.runs[0].manifest.job.protocol
  return new Map(
    rows.map((row) => {
      const { name, ...own } = protocolOf(row)
      const namesakes = rows.map(protocolOf).filter((other) => other.name === name)
      const flat = namesakes.map((other) => flatten(other))
      const search = mixed.filter((key) => !key.startsWith('headline.'))
      const differing = search.filter((key) => new Set(flat.map((values) => values.get(key))).size > 1)
      return [row, [name, longLabel(own, differing)].join(' ').trimEnd()]
    }),
  )
}

function publishedRows(
  published: PublishedTable,
  columns: readonly Column[],
  { lost, isMixed }: { readonly lost: boolean; readonly isMixed: boolean },
) {
  const { rows, seeds } = published
  const positions = columns.map((column) => positionOf(published, column))
  return rows.map(({ method, values }): Cell[] => [
    word(`${method} †`),
    ...(isMixed ? [absent] : []),
    seeds === undefined || values.every(({ std }) => std === undefined) ? absent : count(seeds),
    ...(lost ? [absent, absent] : []),
    ...positions.map((at) => publishedCell(values[at], { seeds })),
  ])
}

function notesOf(
  { space, columns, rows, protocols, mixed }: Comparison,
  summary: SummaryKind,
  published?: PublishedTable,
) {
  const tables = new Set(
    rows.flatMap(({ method }) => method.runs.flatMap(({ manifest: { job } }) => job.table?.name ?? [])),
  )
  const runs = rows.flatMap(({ method }) => method.runs)
  const searched = [...new Set(columns.map(({ searchedOn }) => datasetWords(searchedOn, runs)))]
  const alike = rows.flatMap((row) => sameAnswerWords(row, columns))
  const fewer = rows.flatMap((row) => fewerSeedsWords(row, columns))
  const missing = rows.flatMap(({ method, cells }) =>
    cells.flatMap((cell, i) => (cell.missing > 0 ? [`${method.label}, ${columns[i].title}: ${cell.missing}`] : [])),
  )
  return [
    `${capitalize(summaries[summary])}; final epoch; space ${space}; searched on ${searched.join(', ')}; protocol ${protocols.join(', ')}${tables.size > 0 ? `; looked up in ${[...tables].join(', ')}` : ''}.`,
    `Columns: ${columns.map((column) => `${column.title} = ${column.qualifiers.join(' or ')}`).join('; ')}.`,
    ...(mixed.length > 0
      ? [
          `Mixed protocols: the rows differ in ${mixed.filter((key) => key !== 'name').join(', ') || 'protocol'} and are not comparable.`,
        ]
      : []),
    ...(alike.length > 0
      ? [`All seeds have the same architecture, so that their numbers do not differ: ${alike.join('; ')}.`]
      : []),
    ...(fewer.length > 0 ? [`Of fewer seeds than the row: ${fewer.join('; ')}.`] : []),
    ...(missing.length > 0 ? [`Finished seeds without a number: ${missing.join('; ')}.`] : []),
    ...(published ? [publishedNote(published)] : []),
  ]
}

/**
 * Returns phrases for a note: one for each dataset on which all seeds of the row's method found the same network, and
 * have the same numbers. A table may have two numbers for one network, if it was trained twice.
 */
function sameAnswerWords({ method: { label, runs }, cells }: Row, columns: readonly Column[]): string[] {
  const byDataset = groupBy(runs.filter(isFinished), datasetOf)
  return [...byDataset].flatMap(([dataset, found]) => {
    const own = cells.filter((_, i) => columns[i].searchedOn === dataset)
    const isOne =
      found.length > 1 &&
      own.every((cell) => new Set(valuesOf(cell)).size <= 1) &&
      found.every((run) => networkOf(run) === networkOf(found[0]))
    return isOne ? [`${label}${byDataset.size > 1 ? ` on ${datasetTitle(dataset)}` : ''} (${found.length} seeds)`] : []
  })
}

/** Returns phrases for a note: one for each searched dataset on which some, but fewer seeds finished than the row has. */
function fewerSeedsWords({ method: { label, runs }, seeds }: Row, columns: readonly Column[]): string[] {
  const counts = groupBy(runs.filter(isFinished), datasetOf)
  return distinct(columns.map(({ searchedOn }) => searchedOn)).flatMap((dataset) => {
    const count = distinct((counts.get(dataset) ?? []).map(({ manifest }) => manifest.job.seed)).length
    return count > 0 && count < seeds ? [`${label} on ${datasetTitle(dataset)}, ${count} of ${seeds}`] : []
  })
}

/**
 * Returns the note about the rows from papers. It says that their numbers are as printed there, even if ours are
 * medians or intervals.
 */
function publishedNote({ document, place, rows }: PublishedTable): string {
  const hasDeviations = rows.some(({ values }) => values.some(({ std }) => std !== undefined))
  const printed = hasDeviations ? 'mean ± standard deviation, as printed there' : 'as printed there'
  return `† Published, not run here: ${document}, ${place}; ${printed}.`
}
