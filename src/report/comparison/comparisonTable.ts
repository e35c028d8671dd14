/** A comparison as a table: seeds summarised, the best marked, published rows below ours. */
import { bootstrapInterval } from '../../analysis/statistics/bootstrap.ts'
import { type Interval, summarise, tInterval } from '../../analysis/statistics/summary.ts'
import { random } from '../../core/random.ts'
import { absent, type Cell, count, number, type Tabular, type TabularColumn, word } from '../formats/tabular.ts'
import { type Column, type Comparison, datasetTitle, type Row, searchesOf, valuesOf } from './comparison.ts'
import { type PublishedTable, type PublishedValue, positionOf } from './published.ts'

const DIGITS = 2

/** What a cell says of its seeds, and how the note below the table explains it. */
export const summaries = {
  std: 'mean ± sample standard deviation (ddof 1) over the seeds, in %',
  ci95: 'mean with 95 % t interval over the seeds, in %',
  bootstrap: 'mean with 95 % percentile bootstrap interval (10,000 resamples) over the seeds, in %',
  median: 'median and interquartile range over the seeds, in %',
} as const

export type SummaryKind = keyof typeof summaries

export interface ComparisonTableOptions {
  readonly summary?: SummaryKind
  /** Rows of papers; those columns are filled that name the same dataset and split. */
  readonly published?: PublishedTable
  /** Algorithms whose rows are never the best: fixed architectures such as `optimal`. */
  readonly references?: ReadonlySet<string>
}

export function comparisonTable(comparison: Comparison, options: ComparisonTableOptions = {}): Tabular {
  const { summary = 'std', published, references } = options
  const { columns, rows } = comparison
  const lost = rows.some(({ failed, unfinished }) => failed + unfinished > 0)
  const searches = searchesOf(comparison, references)
  const best = columns.map((_, i) => bestMean(searches, i))
  return {
    columns: [
      { title: 'Method', key: 'method' },
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
      ...rows.map((row) => ourRow(row, lost, summary, (i) => searches.includes(row) && isBest(row, i, best[i]))),
      ...(published ? publishedRows(published, columns, lost) : []),
    ],
    ...(published && { apart: published.rows.length }),
    notes: notesOf(comparison, summary, published),
  }
}

function tabularColumn(column: Column): TabularColumn {
  const { dataset, split, searchedOn, title, group } = column
  const key = dataset === searchedOn ? `${dataset} ${split}` : `${dataset} ${split} from ${searchedOn}`
  return { title, key, within: [group, split] }
}

function ourRow(row: Row, lost: boolean, summary: SummaryKind, best: (column: number) => boolean): Cell[] {
  return [
    word(row.method.label),
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
      return intervalCell(mean, tInterval(values))
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

/** Largest mean as it is printed, so that what looks equal is marked alike. */
function bestMean(rows: readonly Row[], column: number): string | undefined {
  const means = rows.flatMap(({ cells }) => printedMean(valuesOf(cells[column])) ?? [])
  return means.sort((a, b) => Number(b) - Number(a))[0]
}

const isBest = (row: Row, column: number, best: string | undefined): boolean =>
  best !== undefined && printedMean(valuesOf(row.cells[column])) === best

function printedMean(values: readonly number[]): string | undefined {
  return values.length === 0 || values.some(Number.isNaN) ? undefined : summarise(values).mean.toFixed(DIGITS)
}

function publishedRows(published: PublishedTable, columns: readonly Column[], lost: boolean) {
  const { rows, seeds } = published
  const positions = columns.map((column) => positionOf(published, column))
  return rows.map(({ method, values }): Cell[] => [
    word(`${method} †`),
    seeds === undefined || values.every(({ std }) => std === undefined) ? absent : count(seeds),
    ...(lost ? [absent, absent] : []),
    ...positions.map((at) => publishedCell(values[at], seeds)),
  ])
}

/** As printed; a number where it is one. */
function publishedCell(value: PublishedValue | undefined, seeds: number | undefined): Cell {
  if (value === undefined || value.text === '-') return absent
  const { text, mean, std } = value
  if (mean === undefined || (std !== undefined && seeds === undefined)) return word(text)
  const digits = /\.(\d+)/.exec(text)?.[1].length ?? 0
  if (std === undefined || seeds === undefined) return number(mean, digits)
  return { kind: 'statistic', mean, std, n: seeds, digits }
}

function notesOf(
  { space, columns, rows, protocols, mixed }: Comparison,
  summary: SummaryKind,
  published?: PublishedTable,
) {
  const tables = new Set(
    rows.flatMap(({ method }) => method.runs.flatMap(({ manifest: { job } }) => job.table?.name ?? [])),
  )
  const searched = [...new Set(columns.map(({ searchedOn }) => datasetTitle(searchedOn)))]
  const missing = rows.flatMap(({ method, cells }) =>
    cells.flatMap((cell, i) => (cell.missing > 0 ? [`${method.label}, ${columns[i].title}: ${cell.missing}`] : [])),
  )
  return [
    `${capital(summaries[summary])}; final epoch; space ${space}; searched on ${searched.join(', ')}; protocol ${protocols.join(', ')}${tables.size > 0 ? `; looked up in ${[...tables].join(', ')}` : ''}.`,
    `Columns: ${columns.map((column) => `${column.title} = ${column.qualifiers.join(' or ')}`).join('; ')}.`,
    ...(mixed.length > 0 ? [`Mixed protocols: the rows differ in ${mixed.join(', ')} and are not comparable.`] : []),
    ...(missing.length > 0 ? [`Finished seeds without a number: ${missing.join('; ')}.`] : []),
    ...(published ? [`† Published, not run here: ${published.document}, ${published.place}.`] : []),
  ]
}

const capital = (text: string) => text[0].toUpperCase() + text.slice(1)
