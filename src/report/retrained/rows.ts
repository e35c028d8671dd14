/** Runs whose architectures were trained in full, in rows: one a method, dataset and way of training. */
import { summarise } from '../../analysis/statistics/summary.ts'
import type { ResultRecord } from '../../core/result.ts'
import type { RetrainingSettings } from '../../core/retraining.ts'
import { groupBy } from '../../system/groupBy.ts'
import { contentName } from '../../system/json.ts'
import { groupByMethod, type Method, oneRunPerSeed } from '../methods.ts'
import type { ReportedResult, RunRecord } from '../runRecord.ts'

/**
 * Whether these runs ended, or are to end, in full trainings. Searches that ended with an architecture alone may be among
 * them: what they found may be what others train.
 */
export const areRetrained = (runs: readonly RunRecord[]): boolean =>
  runs.some(isRetrained) && runs.every((run) => isRetrained(run) || run.manifest.job.table === undefined)

export const isRetrained = ({ manifest }: RunRecord): boolean => manifest.job.retraining !== undefined

export interface RetrainedRow {
  readonly method: Method
  readonly dataset: string
  readonly settings: RetrainingSettings
  readonly results: readonly ReportedResult[]
}

/** The runs with full trainings, those together that were trained alike on one dataset. */
export function retrainedGroups(runs: readonly RunRecord[]): ReadonlyMap<string, readonly RunRecord[]> {
  return groupBy(runs.filter(isRetrained), ({ manifest: { job } }) =>
    contentName([job.dataset.name, job.retraining?.settings]),
  )
}

/** Methods that were trained alike stand together. */
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

/** For each search the mean over its trainings. */
export function meansOf({ results }: RetrainedRow, of: (training: Trainings[number]) => number): number[] {
  return results.flatMap(({ trainings = [] }) => (trainings.length === 0 ? [] : [summarise(trainings.map(of)).mean]))
}

export const errorsOf = (row: RetrainedRow): number[] => meansOf(row, ({ testAccuracyPct }) => 100 - testAccuracyPct)

type Times = NonNullable<ResultRecord['timing']['trainings']>

export const timesOf = ({ results }: RetrainedRow, of: (time: Times[number]) => number): number[] =>
  results.flatMap(({ timing }) => (timing.trainings ?? []).map(of))
