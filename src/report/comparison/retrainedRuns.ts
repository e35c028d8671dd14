/** Groups runs with full trainings into rows: one for each method, dataset and settings of the training. */
import { summarise } from '../../analysis/statistics/summary.ts'
import { pluralize } from '../../core/plainText.ts'
import type { ResultRecord } from '../../core/result.ts'
import type { RetrainingSettings } from '../../core/retraining.ts'
import { groupBy } from '../../system/groupBy.ts'
import { contentName } from '../../system/json.ts'
import { groupByMethod, type Method, oneRunPerSeed } from '../methods.ts'
import type { ReportedResult, RunRecord } from '../runRecord.ts'

/**
 * Whether these runs are to be reported by full trainings instead of looked-up accuracies: some train in full, and the
 * others are searches without a lookup table, which may have found what is trained.
 */
export const areRetrained = (runs: readonly RunRecord[]): boolean =>
  runs.some(isRetrained) && runs.every((run) => isRetrained(run) || run.manifest.job.table === undefined)

/** Whether the architecture of a run is trained in full. */
export const isRetrained = ({ manifest }: RunRecord): boolean => manifest.job.retraining !== undefined

export interface RetrainedRow {
  readonly method: Method
  readonly dataset: string
  readonly settings: RetrainingSettings
  readonly results: readonly ReportedResult[]
}

/** Groups the runs with full trainings by dataset and settings of the training. */
export function retrainedGroups(runs: readonly RunRecord[]): ReadonlyMap<string, readonly RunRecord[]> {
  return groupBy(runs.filter(isRetrained), ({ manifest: { job } }) =>
    contentName([job.dataset.name, job.retraining?.settings]),
  )
}

/** Returns the rows of a table of full trainings; methods that were trained with the same settings stand together. */
export function rowsOf(runs: readonly RunRecord[]): RetrainedRow[] {
  const groups = retrainedGroups(runs)
  return [...groups.values()].flatMap((group) =>
    groupByMethod(group)
      .map(oneRunPerSeed)
      .flatMap((method) => {
        const { dataset, retraining } = method.runs[0].manifest.job
        const results = method.runs.flatMap(({ result }) => result ?? [])
        return retraining === undefined
          ? []
          : [{ method, dataset: dataset.name, settings: retraining.settings, results }]
      }),
  )
}

type Trainings = NonNullable<ResultRecord['trainings']>

/** Returns, for each search of a row, the mean of a number over its trainings. */
export function meansOf({ results }: RetrainedRow, of: (training: Trainings[number]) => number): number[] {
  return results.flatMap(({ trainings = [] }) => (trainings.length === 0 ? [] : [summarise(trainings.map(of)).mean]))
}

/** Returns the mean test error of each search of a row, in %. */
export const errorsOf = (row: RetrainedRow): number[] => meansOf(row, ({ testAccuracyPct }) => 100 - testAccuracyPct)

type Times = NonNullable<ResultRecord['timing']['trainings']>

/** Returns a number of every training of a row, such as its wall-clock seconds. */
export const timesOf = ({ results }: RetrainedRow, of: (time: Times[number]) => number): number[] =>
  results.flatMap(({ timing }) => (timing.trainings ?? []).map(of))

/**
 * Returns the settings of a full training in words: `preset trial, 10 epochs, 2000 training images at 16×16, batch 64,
 * C=8, 5 cells`.
 */
export function settingsText({ preset, epochs, batchSize, network, data }: RetrainingSettings): string {
  const { limit, imageSize } = data
  const images = `${limit === null ? 'all training images' : pluralize(limit, 'training image')}${imageSize === null ? '' : ` at ${imageSize}×${imageSize}`}`
  return `preset ${preset}, ${pluralize(epochs, 'epoch')}, ${images}, batch ${batchSize}, C=${network.channels}, ${pluralize(network.layers, 'cell')}`
}
