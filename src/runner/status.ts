/** The state of the runs of a store: finished, running, queued, failed, interrupted or missing, with their progress. */
import type { Job, ResultRecord } from '../core/result.ts'
import { TrainingFolder } from '../retrain/trainingFolder.ts'
import { trainingId, trainingJob } from '../retrain/trainingRecord.ts'
import type { PlannedJob } from './plan/plan.ts'
import { queuedJobs } from './slurm/arrays.ts'
import type { RunFolder, RunState } from './store/runFolder.ts'
import type { RunSummary } from './store/runSummary.ts'
import type { Store } from './store/store.ts'
import { readIndexed } from './store/storeIndex.ts'

/** The state of one run. */
export interface RunStatus {
  readonly id: string
  readonly job: Job
  /** `queued`: its Slurm task waits or has not reached it yet; `missing`: planned but never begun. */
  readonly state: RunState | 'queued' | 'missing'
  /** Number of recorded epochs of the search. */
  readonly epochs: number
  /** State of the full trainings; absent if the found architecture is looked up. */
  readonly training?: TrainingStatus
  /** Message of the failure, if it failed. */
  readonly failure?: string
}

/** How far the full trainings of a run are. */
export interface TrainingStatus {
  readonly preset: string
  /** Number of epochs of each training. */
  readonly epochs: number
  /** Number of trainings, one per training seed. */
  readonly trainings: number
  /** Number of finished trainings. */
  readonly finished: number
  /** Finished epochs of the training that is under way; 0 if none is. */
  readonly underWay: number
}

/**
 * Returns the states of runs.
 * @param planned the jobs to list; if absent, all runs of the store and all queued jobs are listed
 * @throws BenchError `missing` if the store does not exist
 */
export function storeStatus(store: Store, planned?: readonly Pick<PlannedJob, 'id' | 'job'>[]): readonly RunStatus[] {
  const queued = queuedJobs(store)
  const runs = planned ? planned.map(({ id }) => store.run(id)).filter((run) => run.exists()) : store.runs()
  const { summaries } = readIndexed(runs)
  const begun = new Map(runs.map((run, i) => [run.id, { run, summary: summaries[i] }]))
  const jobs = planned ? planned.map(({ id, job }) => [id, job] as const) : [...jobsOf(summaries), ...queued]
  return [...new Map(jobs)].map(([id, job]) => statusOf(store, id, job, begun.get(id), queued.has(id)))
}

const jobsOf = (summaries: readonly RunSummary[]) =>
  summaries.map(({ manifest: { id, job } }): readonly [id: string, job: Job] => [id, job])

/** A run that was begun, with its summary. */
interface Begun {
  readonly run: RunFolder
  readonly summary: RunSummary
}

function statusOf(store: Store, id: string, job: Job, begun: Begun | undefined, isQueued: boolean): RunStatus {
  if (begun === undefined) return { id, job, state: isQueued ? 'queued' : 'missing', epochs: 0, ...trainingOf(job) }
  const { run, summary } = begun
  const { result } = summary
  if (result !== undefined) return { id, job, state: 'finished', epochs: result.epochs, ...trainingOf(job, result) }
  const found = run.state()
  const state = isQueued && (found === 'interrupted' || found === 'failed') ? 'queued' : found
  const failure = state === 'failed' ? summary.failure?.message : undefined
  const training = trainingOf(job, undefined, () => begunTrainings(store, run, job))
  return { id, job, state, epochs: run.epochCount(), ...training, ...(failure && { failure }) }
}

/**
 * Returns the state of the full trainings of a run; empty if its architecture is looked up.
 * @param begun returns the finished epochs of each training; called if the run is not finished
 */
export function trainingOf(
  { retraining, seed }: Job,
  result?: Pick<ResultRecord, 'trainings'>,
  begun: () => readonly number[] = () => [],
): Pick<RunStatus, 'training'> {
  if (retraining === undefined) return {}
  const { settings, seeds = [seed] } = retraining
  const done = result?.trainings?.map(() => settings.epochs) ?? begun()
  const underWay = done.find((epochs) => epochs > 0 && epochs < settings.epochs) ?? 0
  const finished = done.filter((epochs) => epochs === settings.epochs).length
  return { training: { preset: settings.preset, epochs: settings.epochs, trainings: seeds.length, finished, underWay } }
}

/** Returns the finished epochs of each training of the architecture that the last epoch of the search gave. */
function begunTrainings(store: Store, run: RunFolder, job: Job): number[] {
  const { retraining, dataset, executor, arithmetic } = job
  const last = run.epochs().at(-1)
  if (retraining === undefined || last === undefined || executor === undefined) return []
  const { settings, seeds = [job.seed] } = retraining
  const { name, contentHash = '' } = dataset
  const { genotype } = last
  return seeds.map((seed) => {
    const training = trainingJob({
      ...{ genotype, dataset: { name, contentHash }, settings, seed, executor, arithmetic },
      ...(job.spacePlugin && { spacePlugin: job.spacePlugin }),
    })
    return new TrainingFolder(store.folder, trainingId(training)).finishedEpochs()
  })
}
