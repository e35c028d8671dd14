/**
 * Makes the table of full trainings: test error, network size and cost of each method, with rows from papers below our
 * rows.
 */

import { summarise } from '../../analysis/statistics/summary.ts'
import { BenchError } from '../../core/errors.ts'
import type { ReportedMetric } from '../../core/metric.ts'
import { pluralize } from '../../core/plainText.ts'
import type { SearchTime } from '../../core/result.ts'
import { builtinSpaces } from '../../spaces/index.ts'
import { distinct } from '../../system/groupBy.ts'
import { differingKeys } from '../differences.ts'
import {
  absent,
  type Cell,
  count,
  digitsFor,
  number,
  type Tabular,
  type TabularColumn,
  word,
} from '../formats/tabular.ts'
import { labelOf, longLabel } from '../methods.ts'
import { datasetOf, type RunRecord } from '../runRecord.ts'
import { datasetTitle, datasetWords, rankable } from './comparison.ts'
import {
  type PublishedRows,
  type PublishedTable,
  publishedCell,
  publishedRows,
  publishedTable,
  reductionsOf,
} from './published.ts'
import { errorsOf, isRetrained, meansOf, type RetrainedRow, rowsOf, settingsText, timesOf } from './retrainedRuns.ts'

/**
 * Returns the table of full trainings.
 * @param wanted the id of a published table; `none` for no published rows; or `auto` for the table of the DrNAS paper
 * for the dataset, or none if our trainings are smaller than the paper's or of another family of search spaces
 * @throws BenchError `unknown-name`, or `bad-input` if the named table has no test error on one of our datasets
 */
export function retrainedTable(runs: readonly RunRecord[], wanted: string): Tabular {
  const rows = rowsOf(runs)
  const columns = columnsOf(rows)
  const { table: published, dataset = '', caveat } = publishedTrainings(rows, wanted, runs)
  return {
    columns: columns.map(({ title, key }) => ({ title, key })),
    rows: [
      ...rows.map((row) => columns.map(({ cell }) => cell(row))),
      ...(published === undefined ? [] : publishedTrainingRows(published, dataset, columns)),
    ],
    ...(published && { apart: published.rows.length }),
    notes: [...notesOf(runs, rows, published), ...(caveat === undefined ? [] : [caveat])],
  }
}

function notesOf(runs: readonly RunRecord[], rows: readonly RetrainedRow[], published?: PublishedTable): string[] {
  const ways = new Set(
    rows.map(({ space, dataset, settings }) => `${settingsText(settings, space)}, on ${datasetWords(dataset, runs)}`),
  )
  const trained = runs.filter(isRetrained)
  const lost = trained.filter(({ result }) => result === undefined).length
  const searches = runs.length - trained.length
  return [
    'Mean ± sample standard deviation (ddof 1) over the seeds. Test error is that of the final epoch; “best epoch” was chosen by the test images themselves and is no result.',
    ...searchNotes(runs),
    ...[...ways].map((how) => `Trained in full: ${how}.`),
    ...(lost > 0 ? [`Runs without a result: ${lost} of ${trained.length}.`] : []),
    ...(searches > 0
      ? [`Left out: ${pluralize(searches, 'search', 'searches')} without a full training of its own.`]
      : []),
    ...(published
      ? [
          `† Published, not run here: ${published.document}, ${published.place}; trained there in full on all images, so comparable with ours under the same settings alone.`,
        ]
      : []),
  ]
}

/**
 * Returns the notes that name the protocols under which the trained architectures were searched; empty if none was
 * searched.
 */
function searchNotes(runs: readonly RunRecord[]): string[] {
  const searched = runs.filter(({ result }) => result?.timing.search !== undefined)
  const protocols = [...new Set(searched.map(({ manifest }) => manifest.job.protocol.name))]
  return protocols.length === 0 ? [] : [`Searched under protocol ${protocols.join(', ')}.`]
}

/** A column of the table of full trainings, with the function that computes its cells. */
interface RetrainedColumn extends TabularColumn {
  cell(row: RetrainedRow): Cell
  /** Title that papers give to this column in their tables; absent if papers have no such column. */
  readonly published?: string
}

/**
 * Returns the columns of the table of full trainings. If the rows differ in dataset or training settings, there are
 * columns for these; otherwise the best value is marked, of the metric that was measured besides accuracy or else of the
 * test error.
 */
function columnsOf(rows: readonly RetrainedRow[]): readonly RetrainedColumn[] {
  const severalDatasets = new Set(rows.map(({ dataset }) => dataset)).size > 1
  const differing = differingKeys(rows.map(({ settings }) => settings))
  const isRanked = !severalDatasets && differing.length === 0
  const metric = metricColumn(rows, isRanked)
  const isBest = isRanked && metric === undefined ? leastError(rows) : () => false
  const isSearched = rows.some(({ results }) => results.some(({ timing }) => timing.search !== undefined))
  return [
    { title: 'Method', key: 'method', cell: ({ method }) => word(labelOf(method)) },
    ...(severalDatasets ? [datasetColumn] : []),
    ...(differing.length > 0 ? [settingsColumn(differing)] : []),
    { title: 'Seeds', key: 'seeds', cell: ({ results }) => count(results.length) },
    ...(metric ? [metric] : []),
    ...errorColumns(isBest),
    ...sizeColumns,
    ...(isSearched ? [searchColumn] : []),
    ...costColumns,
  ]
}

const datasetColumn: RetrainedColumn = {
  title: 'Dataset',
  key: 'dataset',
  cell: ({ dataset }) => word(datasetTitle(dataset)),
}

const settingsColumn = (differing: readonly string[]): RetrainedColumn => ({
  title: 'Training',
  key: 'training',
  cell: ({ settings }) => word(longLabel(settings, differing)),
})

/** Title of the table column of each metric. */
export const METRIC_TITLES: Readonly<Record<ReportedMetric, string>> = {
  top1: 'Top-1',
  balanced: 'Balanced accuracy',
  mAP: 'mAP',
}

/**
 * Returns the column of the second metric that the trainings measured besides accuracy; undefined if there is no such
 * metric, or if the trainings measured different ones.
 * @param isRanked whether the largest mean is marked
 */
function metricColumn(rows: readonly RetrainedRow[], isRanked: boolean): RetrainedColumn | undefined {
  const [metric, ...others] = new Set(rows.map(({ settings }) => settings.metric ?? 'top1'))
  if (metric === undefined || metric === 'top1' || others.length > 0) return undefined
  const valuesOf = (row: RetrainedRow) => meansOf(row, ({ testMetricPct = Number.NaN }) => testMetricPct)
  const ranked = isRanked ? rankable(rows, valuesOf) : []
  const [largest] = ranked.flatMap((row) => printed(valuesOf(row)) ?? []).sort((a, b) => Number(b) - Number(a))
  return {
    title: `Test ${METRIC_TITLES[metric]} (%)`,
    key: 'testMetricPct',
    cell: (row) => statistic(valuesOf(row), ranked.includes(row) && printed(valuesOf(row)) === largest),
  }
}

const errorColumns = (isBest: (row: RetrainedRow) => boolean): readonly RetrainedColumn[] => [
  {
    title: 'Test error (%)',
    key: 'testErrorPct',
    published: 'Test error',
    cell: (row) => statistic(errorsOf(row), isBest(row)),
  },
  {
    title: 'Top-5 error (%)',
    key: 'testTop5ErrorPct',
    published: 'Test error top-5',
    cell: (row) => statistic(hasFiveClasses(row) ? [] : meansOf(row, (training) => 100 - training.testTop5AccuracyPct)),
  },
  {
    title: 'Best epoch (%)',
    key: 'bestEpochTestErrorPct',
    cell: (row) => statistic(meansOf(row, (training) => 100 - training.best.testAccuracyPct)),
  },
]

/** Returns whether the dataset of a row has at most five classes, so that the top-5 error is always 0 and not shown. */
const hasFiveClasses = ({ results }: RetrainedRow): boolean =>
  results.some(({ images }) => images !== undefined && images.classes <= 5)

const sizeColumns: readonly RetrainedColumn[] = [
  {
    title: 'Params (M)',
    key: 'parametersM',
    published: 'Params',
    cell: ({ results }) => size(results.map(({ parameters }) => parameters)),
  },
  { title: 'MACs (M)', key: 'macsM', cell: ({ results }) => size(results.map(({ macs }) => macs)) },
]

const searchColumn: RetrainedColumn = {
  title: 'Search cost',
  key: 'searchCost',
  published: 'Search cost',
  cell: ({ results }) => searchCost(results.flatMap(({ timing }) => timing.search ?? [])),
}

const minutes = (row: RetrainedRow) => timesOf(row, ({ wallSeconds }) => wallSeconds / 60)
const megabytes = (row: RetrainedRow) => timesOf(row, ({ peakMemoryBytes }) => peakMemoryBytes / 1e6)

const costColumns: readonly RetrainedColumn[] = [
  { title: 'Training (min)', key: 'trainingMinutes', cell: (row) => mean(1, minutes(row)) },
  { title: 'Memory (MB)', key: 'peakMemoryMB', cell: (row) => mean(0, megabytes(row)) },
]

/**
 * Returns a function that tells whether a row has the smallest mean test error, as printed, of all rows that can be
 * called the best.
 */
function leastError(rows: readonly RetrainedRow[]): (row: RetrainedRow) => boolean {
  const ranked = rankable(rows, errorsOf)
  const [least] = ranked.flatMap((row) => printed(errorsOf(row)) ?? []).sort((a, b) => Number(a) - Number(b))
  return (row) => least !== undefined && ranked.includes(row) && printed(errorsOf(row)) === least
}

const printed = (values: readonly number[]): string | undefined =>
  values.length === 0 ? undefined : summarise(values).mean.toFixed(2)

function statistic(values: readonly number[], best = false): Cell {
  if (values.length === 0) return absent
  const { n, mean, std } = summarise(values)
  return { kind: 'statistic', mean, ...(std !== undefined && { std }), n, digits: 2, best }
}

/**
 * Returns a table cell with the mean of the values.
 * @param least smallest number of digits that are printed after the decimal point
 */
function mean(least: number, values: readonly number[]): Cell {
  if (values.length === 0) return absent
  const { mean: value } = summarise(values)
  return number(value, digitsFor(value, least))
}

/**
 * Returns a cell with the mean of parameter or multiply-accumulate counts, in millions; unknown counts are left out.
 */
const size = (counts: readonly (number | undefined)[]): Cell =>
  mean(
    2,
    counts.flatMap((count) => (count === undefined ? [] : [count / 1e6])),
  )

/**
 * Unit in which the search cost is printed, by the device of the search: GPU days, as in papers; core hours for one CPU
 * core; hours for several cores.
 */
const UNITS = {
  gpu: { name: 'GPU days', seconds: 86_400 },
  'one core': { name: 'core hours', seconds: 3600 },
  cpu: { name: 'hours', seconds: 3600 },
} as const satisfies Record<SearchTime['device'], { readonly name: string; readonly seconds: number }>

/**
 * Returns the cell with the mean running time of searches, such as `0.4 GPU days`; an unknown value if there are no
 * searches or they ran on different devices.
 */
export function searchCost(searches: readonly SearchTime[]): Cell {
  const [device, ...others] = new Set(searches.map((search) => search.device))
  if (device === undefined || others.length > 0) return absent
  const mean = searches.reduce((sum, { seconds }) => sum + seconds, 0) / searches.length
  const value = mean / UNITS[device].seconds
  return { kind: 'quantity', value, unit: UNITS[device].name, digits: digitsFor(value, 0) }
}

/**
 * The tables of the DrNAS paper that compare test errors of methods: their ids by dataset, and the family of search
 * spaces whose architectures the paper trained.
 */
const AUTOMATIC: { readonly family: string; readonly ids: Readonly<Record<string, string>> } = {
  family: 'darts',
  ids: { cifar10: 'drnas-table-2', imagenet: 'drnas-table-3' },
}

/** A table of a paper with the dataset of ours that its test errors are of. */
interface PublishedTrainings extends PublishedRows {
  readonly dataset?: string
}

/**
 * Returns the table of a paper that is shown below our full trainings, if any, and a note.
 * @param wanted the id of a published table; `none` for no published rows; or `auto` for the table that belongs to our
 * rows' dataset and search spaces, or none if our trainings are smaller than the paper's
 * @throws BenchError `unknown-name`, or `bad-input` if the named table has no test error on one of our datasets
 */
function publishedTrainings(
  rows: readonly RetrainedRow[],
  wanted: string,
  runs: readonly RunRecord[],
): PublishedTrainings {
  if (wanted === 'none') return {}
  const datasets = distinct(rows.map(({ dataset }) => dataset))
  if (wanted === 'auto') {
    const isOfPaper = rows.every(({ space }) => builtinSpaces[space]?.family?.name === AUTOMATIC.family)
    const [dataset, ...others] = datasets
    const id = AUTOMATIC.ids[dataset]
    if (!isOfPaper || others.length > 0 || id === undefined) return {}
    return { dataset, ...publishedRows(publishedTable(id), reductionsOf(runs), true) }
  }
  const named = publishedTable(wanted)
  const errors = named.columns.filter(({ title }) => title.startsWith('Test error'))
  const dataset = datasets.find((own) => errors.some((column) => column.dataset === own))
  if (dataset === undefined) {
    throw new BenchError('bad-input', `the published table ${wanted} has no test error on ${datasets.join(' or ')}`)
  }
  const comparable = runs.filter((run) => datasetOf(run) === dataset)
  return { dataset, ...publishedRows(named, reductionsOf(comparable), false) }
}

/**
 * Returns a row of cells for each method of a published table: the printed value in the columns that the paper has,
 * empty cells in the others.
 */
function publishedTrainingRows(table: PublishedTable, dataset: string, columns: readonly RetrainedColumn[]): Cell[][] {
  return table.rows.map(({ method, values }) =>
    columns.map(({ key, published }) => {
      if (key === 'method') return word(`${method} †`)
      if (key === datasetColumn.key) return word(datasetTitle(dataset))
      // On ImageNet, papers call the test error `Test error top-1`.
      const at = table.columns.findIndex(({ title }) => title === published || title === `${published} top-1`)
      // The unit of a paper's search cost may differ from that of our runs.
      const { unit } = table.columns[at] ?? {}
      return publishedCell(values[at], { seeds: table.seeds, ...(unit?.startsWith('GPU') && { unit }) })
    }),
  )
}
