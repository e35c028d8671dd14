/** Architectures that were trained in full: test error, size and cost, with the papers' rows below ours. */
import { summarise } from '../analysis/statistics/summary.ts'
import { contentName } from '../core/canonicalJson.ts'
import { BenchError } from '../core/errors.ts'
import { unknownName } from '../core/names.ts'
import type { ResultRecord } from '../core/result.ts'
import type { RetrainingSettings } from '../core/retraining.ts'
import { darts, publishedName } from '../spaces/darts/index.ts'
import { datasetTitle } from './comparison.ts'
import { differingKeys, flatten, groupByMethod, type Method } from './methods.ts'
import { type PublishedTable, type PublishedValue, publishedTables } from './published.ts'
import type { RunRecord } from './runRecord.ts'
import { searchCost } from './searchCost.ts'
import type { Cell, Tabular, TabularColumn } from './tabular.ts'
import { settingsText } from './trainingNotes.ts'

/** Whether these runs ended, or are to end, in full trainings. */
export const areRetrained = (runs: readonly RunRecord[]): boolean =>
  runs.length > 0 && runs.every(({ manifest }) => manifest.job.retraining !== undefined)

interface RetrainedRow {
  readonly method: Method
  readonly dataset: string
  readonly settings: RetrainingSettings
  readonly results: readonly ResultRecord[]
}

interface RetrainedColumn extends TabularColumn {
  cell(row: RetrainedRow): Cell
  /** Title of the same column in published tables; absent: they have none. */
  readonly published?: string
}

/** @param published rows of a paper: an id, `none`, or `auto`: those of the dataset, in DrNAS. @throws BenchError `unknown-name` */
export function retrainedTable(runs: readonly RunRecord[], published: string): Tabular {
  const rows = rowsOf(runs)
  const datasets = [...new Set(rows.map(({ dataset }) => dataset))]
  const differing = differingKeys(rows.map(({ settings }) => settings))
  const columns = columnsOf(rows, datasets.length > 1, differing)
  const beside = publishedFor(datasets, published)
  return {
    columns: columns.map(({ title, key }) => ({ title, key })),
    rows: [
      ...rows.map((row) => columns.map(({ cell }) => cell(row))),
      ...(beside?.rows.map(({ method, values }) => publishedRow(beside, method, values, columns)) ?? []),
    ],
    notes: notesOf(runs, rows, beside),
  }
}

/** Methods that were trained alike stand together. */
function rowsOf(runs: readonly RunRecord[]): RetrainedRow[] {
  const groups = new Map<string, RunRecord[]>()
  for (const run of runs) {
    const { dataset, retraining } = run.manifest.job
    const key = contentName([dataset.name, retraining?.settings])
    groups.set(key, [...(groups.get(key) ?? []), run])
  }
  return [...groups.values()].flatMap((group) =>
    groupByMethod(group).flatMap((method) => {
      const { dataset, retraining } = method.runs[0].manifest.job
      const results = method.runs.flatMap(({ result }) => result ?? [])
      return retraining === undefined ? [] : [{ method, dataset: dataset.name, settings: retraining.settings, results }]
    }),
  )
}

function columnsOf(rows: readonly RetrainedRow[], withDataset: boolean, differing: readonly string[]) {
  const errors = rows.map((row) => printed(errorsOf(row)))
  const least = errors.flatMap((error) => error ?? []).sort((a, b) => Number(a) - Number(b))[0]
  const isLeast = (row: RetrainedRow) => least !== undefined && printed(errorsOf(row)) === least
  const searched = rows.some(({ results }) => results.some(({ timing }) => timing.search !== undefined))
  const columns: readonly (RetrainedColumn | false)[] = [
    { title: 'Method', key: 'method', cell: ({ method }) => text(labelOf(method)) },
    withDataset && { title: 'Dataset', key: 'dataset', cell: ({ dataset }) => text(datasetTitle(dataset)) },
    differing.length > 0 && {
      title: 'Training',
      key: 'training',
      cell: ({ settings }) => text(differing.map((key) => `${key}=${flatten(settings).get(key)}`).join(', ')),
    },
    { title: 'Seeds', key: 'seeds', cell: ({ results }) => ({ kind: 'number', value: results.length, digits: 0 }) },
    {
      title: 'Test error (%)',
      key: 'testErrorPct',
      published: 'Test error',
      cell: (row) => statistic(errorsOf(row), isLeast(row)),
    },
    {
      title: 'Top-5 error (%)',
      key: 'testTop5ErrorPct',
      published: 'Test error top-5',
      cell: (row) => statistic(meansOf(row, (training) => 100 - training.testTop5AccuracyPct)),
    },
    {
      title: 'Best epoch (%)',
      key: 'bestEpochTestErrorPct',
      cell: (row) => statistic(meansOf(row, (training) => 100 - training.best.testAccuracyPct)),
    },
    {
      title: 'Params (M)',
      key: 'parametersM',
      published: 'Params',
      cell: ({ results }) => size(results.map(({ parameters }) => parameters)),
    },
    { title: 'MACs (M)', key: 'macsM', cell: ({ results }) => size(results.map(({ macs }) => macs)) },
    searched && {
      title: 'Search cost',
      key: 'searchCost',
      published: 'Search cost',
      cell: ({ results }) => optional(searchCost(results.flatMap(({ timing }) => timing.search ?? []))),
    },
    {
      title: 'Training (min)',
      key: 'trainingMinutes',
      cell: (row) =>
        mean(
          timesOf(row, (t) => t.wallSeconds / 60),
          1,
        ),
    },
    {
      title: 'Memory (MB)',
      key: 'peakMemoryMB',
      cell: (row) =>
        mean(
          timesOf(row, (t) => t.peakMemoryBytes / 1e6),
          0,
        ),
    },
  ]
  return columns.filter((column) => column !== false)
}

/** Of published cells their name; of others the search that found them, or the beginning of their hash. */
function labelOf({ algorithm, label, runs }: Method): string {
  if (algorithm !== 'genotype') return label
  const written = String(runs[0].manifest.job.algorithm.options.genotype)
  return publishedName(darts.parse(written)) ?? `genotype ${contentName(written).slice(0, 8)}`
}

type Trainings = NonNullable<ResultRecord['trainings']>

/** For each search the mean over its trainings. */
function meansOf({ results }: RetrainedRow, of: (training: Trainings[number]) => number): number[] {
  return results.flatMap(({ trainings = [] }) => (trainings.length === 0 ? [] : [summarise(trainings.map(of)).mean]))
}

const errorsOf = (row: RetrainedRow): number[] => meansOf(row, ({ testAccuracyPct }) => 100 - testAccuracyPct)

type Times = NonNullable<ResultRecord['timing']['trainings']>

const timesOf = ({ results }: RetrainedRow, of: (time: Times[number]) => number): number[] =>
  results.flatMap(({ timing }) => (timing.trainings ?? []).map(of))

const text = (value: string): Cell => ({ kind: 'text', text: value })
const optional = (value: string | undefined): Cell => (value === undefined ? { kind: 'absent' } : text(value))
const printed = (values: readonly number[]): string | undefined =>
  values.length === 0 ? undefined : summarise(values).mean.toFixed(2)

function statistic(values: readonly number[], best = false): Cell {
  if (values.length === 0) return { kind: 'absent' }
  const { n, mean, std } = summarise(values)
  return { kind: 'statistic', mean, ...(std !== undefined && { std }), n, digits: 2, best }
}

const mean = (values: readonly number[], digits: number): Cell =>
  values.length === 0 ? { kind: 'absent' } : { kind: 'number', value: summarise(values).mean, digits }

/** In millions: of one architecture the number, of several their mean. */
const size = (counts: readonly (number | undefined)[]): Cell =>
  mean(
    counts.flatMap((count) => (count === undefined ? [] : [count / 1e6])),
    2,
  )

const OF_DATASET: Readonly<Record<string, string>> = { cifar10: 'drnas-table-2', imagenet: 'drnas-table-3' }

function publishedFor(datasets: readonly string[], wanted: string): PublishedTable | undefined {
  if (wanted === 'none' || datasets.length !== 1) return undefined
  const tables = publishedTables()
  if (wanted === 'auto') return tables.find(({ id }) => id === OF_DATASET[datasets[0]])
  const named = tables.find(({ id }) => id === wanted)
  if (named === undefined) throw unknownName('published table', wanted, [...tables.map(({ id }) => id), 'auto', 'none'])
  if (named.columns.some(({ title, dataset }) => title.startsWith('Test error') && dataset === datasets[0]))
    return named
  throw new BenchError('bad-input', `the published table ${wanted} has no test error on ${datasets[0]}`)
}

function publishedRow(
  { columns: theirs }: PublishedTable,
  method: string,
  values: readonly PublishedValue[],
  columns: readonly RetrainedColumn[],
): Cell[] {
  return columns.map(({ key, published }) => {
    if (key === 'method') return text(`${method} †`)
    if (published === undefined) return { kind: 'absent' }
    // `Test error top-1` is ImageNet's name of the first column.
    const at = theirs.findIndex(({ title }) => title === published || title === `${published} top-1`)
    return publishedCell(values[at], theirs[at]?.unit)
  })
}

/** As printed in the paper; a cost with its unit, since ours may have another. */
function publishedCell(value: PublishedValue | undefined, unit: string | undefined): Cell {
  if (value === undefined || value.text === '-') return { kind: 'absent' }
  return text(unit?.startsWith('GPU') ? `${value.text} ${unit}` : value.text)
}

function notesOf(runs: readonly RunRecord[], rows: readonly RetrainedRow[], published?: PublishedTable): string[] {
  const trained = new Set(rows.map(({ dataset, settings }) => `${settingsText(settings)}, on ${datasetTitle(dataset)}`))
  const lost = runs.filter(({ result }) => result === undefined).length
  return [
    'Mean ± sample standard deviation (ddof 1) over the seeds. Test error is that of the final epoch; “best epoch” was chosen by the test images themselves and is no result.',
    ...[...trained].map((how) => `Trained in full: ${how}.`),
    ...(lost > 0 ? [`Runs without a result: ${lost} of ${runs.length}.`] : []),
    ...(published
      ? [
          `† Published, not run here: ${published.document}, ${published.place}; trained there in full on all images, so comparable with ours under the same settings alone.`,
        ]
      : []),
  ]
}
