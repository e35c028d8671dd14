/** The columns of a table of full trainings. */
import { summarise } from '../../analysis/statistics/summary.ts'
import { datasetTitle } from '../comparison/comparison.ts'
import { digitsFor } from '../formats/cells.ts'
import { absent, type Cell, count, number, type TabularColumn, word } from '../formats/tabular.ts'
import { labelOf } from '../methodLabel.ts'
import { differingKeys, flatten } from '../methods.ts'
import { errorsOf, meansOf, type RetrainedRow, timesOf } from './rows.ts'
import { searchCost } from './searchCost.ts'

export interface RetrainedColumn extends TabularColumn {
  cell(row: RetrainedRow): Cell
  /** Title of the same column in published tables; absent: they have none. */
  readonly published?: string
}

/** Dataset and way of training have columns where rows differ in them; the least error is marked where they do not. */
export function columnsOf(rows: readonly RetrainedRow[]): readonly RetrainedColumn[] {
  const severalDatasets = new Set(rows.map(({ dataset }) => dataset)).size > 1
  const differing = differingKeys(rows.map(({ settings }) => settings))
  const isBest = severalDatasets || differing.length > 0 ? () => false : leastError(rows)
  const isSearched = rows.some(({ results }) => results.some(({ timing }) => timing.search !== undefined))
  return [
    { title: 'Method', key: 'method', cell: ({ method }) => word(labelOf(method)) },
    ...(severalDatasets ? [datasetColumn] : []),
    ...(differing.length > 0 ? [settingsColumn(differing)] : []),
    { title: 'Seeds', key: 'seeds', cell: ({ results }) => count(results.length) },
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
  cell: ({ settings }) => word(differing.map((key) => `${key}=${flatten(settings).get(key)}`).join(', ')),
})

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

/** Or fewer: then every answer is among the top five. */
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
  cell: ({ results }) => word(searchCost(results.flatMap(({ timing }) => timing.search ?? []))),
}

const minutes = (row: RetrainedRow) => timesOf(row, ({ wallSeconds }) => wallSeconds / 60)
const megabytes = (row: RetrainedRow) => timesOf(row, ({ peakMemoryBytes }) => peakMemoryBytes / 1e6)

const costColumns: readonly RetrainedColumn[] = [
  { title: 'Training (min)', key: 'trainingMinutes', cell: (row) => mean(1, minutes(row)) },
  { title: 'Memory (MB)', key: 'peakMemoryMB', cell: (row) => mean(0, megabytes(row)) },
]

/** Whether a row's error is the least of all, as it is printed. */
function leastError(rows: readonly RetrainedRow[]): (row: RetrainedRow) => boolean {
  const [least] = rows.flatMap((row) => printed(errorsOf(row)) ?? []).sort((a, b) => Number(a) - Number(b))
  return (row) => least !== undefined && printed(errorsOf(row)) === least
}

const printed = (values: readonly number[]): string | undefined =>
  values.length === 0 ? undefined : summarise(values).mean.toFixed(2)

function statistic(values: readonly number[], best = false): Cell {
  if (values.length === 0) return absent
  const { n, mean, std } = summarise(values)
  return { kind: 'statistic', mean, ...(std !== undefined && { std }), n, digits: 2, best }
}

/** @param least digits after the point, see `digitsFor` */
function mean(least: number, values: readonly number[]): Cell {
  if (values.length === 0) return absent
  const { mean: value } = summarise(values)
  return number(value, digitsFor(value, least))
}

/** In millions: of one architecture the number, of several their mean. */
const size = (counts: readonly (number | undefined)[]): Cell =>
  mean(
    2,
    counts.flatMap((count) => (count === undefined ? [] : [count / 1e6])),
  )
