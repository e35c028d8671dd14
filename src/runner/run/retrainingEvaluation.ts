/** Opens the full trainings of one job, with the words of the runner's events. */
import type { Evaluator } from '../../core/evaluation.ts'
import type { Executor } from '../../core/executor.ts'
import type { Job } from '../../core/result.ts'
import type { RetrainingTask } from '../../core/retraining.ts'
import type { SearchSpace } from '../../core/space.ts'
import { retrainingEvaluator } from '../../retrain/evaluator.ts'
import { openImages } from '../../retrain/images.ts'
import type { RetrainingProgress } from '../../retrain/retrain.ts'
import { requireUnchanged } from '../plan/datasetHash.ts'
import type { RunReport } from './events.ts'

export interface RetrainingResources {
  readonly job: Job
  readonly task: RetrainingTask
  readonly space: SearchSpace
  readonly store: string
  /** Of the images; absent: the user's data folder, or the built-in set. */
  readonly folder?: string
  executor(): Promise<Executor>
  report(report: RunReport): void
}

/** @throws BenchError `failed` where the images are no longer those of the plan, or for what is wrong in their files */
export async function openRetraining(resources: RetrainingResources): Promise<Evaluator> {
  const { job, task, space, store, folder, executor, report } = resources
  const { dataset, seed, executor: executorName = '', arithmetic } = job
  const notice = (message: string) => report({ kind: 'notice', message })
  const images = await openImages({ name: dataset.name, folder, settings: task.settings, report: notice })
  return retrainingEvaluator({
    ...{ store, task, executor, executorName, arithmetic },
    images: requireUnchanged(images, dataset),
    searchSeed: seed,
    format: space.format,
    report: (progress) => report(reportOf(progress)),
  })
}

function reportOf(progress: RetrainingProgress): RunReport {
  if (progress.kind === 'waiting') return { kind: 'waiting', pid: progress.holder.pid, host: progress.holder.host }
  const { seed, share, epochs, last } = progress
  if (last === undefined) return { kind: 'retraining', seed, share, epochs, epoch: 0 }
  const numbers = { loss: last.trainLoss, testErrorPct: 100 - last.testAccuracyPct }
  return { kind: 'retraining', seed, share, epochs, epoch: last.epoch + 1, ...numbers }
}
