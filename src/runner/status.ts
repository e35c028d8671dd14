/**
 * Determines the state of each run of a store (finished, running, queued, failed, interrupted or missing) and its
 * progress.
 */
import type { Job } from '../core/result.ts'
import { TrainingFolder } from '../retrain/trainingFolder.ts'
import { trainingId, trainingJob } from '../retrain/trainingRecord.ts'
import type { PlannedJob } from './plan/plan.ts'
import { queuedJobs } from './slurm/arrays.ts'
import { type RunOutline, readOutlines } from './store/indexedRuns.ts'
import type { RunFolder, RunState } from './store/runFolder.ts'
import type { Store } from './store/store.ts'

/** The state and progress of one run of a store. */
export interface RunStatus {
  readonly id: string
  readonly job: Job
  /**
   * State of the run, from its folder and Slurm's queue. `queued`: it waits for its Slurm task to begin or reach it.
   * `missing`: planned but never begun.
   */
  readonly state: RunState | 'queued' | 'missing'
  /** Number of epochs of the run's search that are finished and recorded. */
  readonly epochs: number
  /** Progress of the full trainings of the found architecture; absent if it is looked up in a table. */
  readonly training?: TrainingStatus
  /** Error message of the run's last attempt, if that failed. */
  readonly failure?: string
}

/** Progress of the full trainings of a run's found architecture. */
export interface TrainingStatus {
  readonly preset: string
  /** Total number of epochs of each full training. */
  readonly epochs: number
  /** Number of full trainings of the found architecture, one per training seed. */
  readonly trainings: number
  /** Number of full trainings that are finished. */
  readonly finished: number
  /** Number of finished epochs of the full training that is running; 0 if none is. */
  readonly underWay: number
}

/**
 * Returns the state and progress of runs of a store.
 * @param planned the jobs to list; if absent, all runs of the store and all queued jobs are listed
 * @throws BenchError `missing` if the store does not exist
 */
export function storeStatus(store: Store, planned?: readonly Pick<PlannedJob, 'id' | 'job'>[]): readonly RunStatus[] {
  const queued = queuedJobs(store)
  const outlines = readOutlines(planned?.map(({ id }) => store.run(id)) ?? store.folders())
  const begun = new Map(outlines.map((outline) => [outline.id, outline]))
  const jobs: Iterable<Pick<RunOutline, 'id' | 'job'>> = planned ? withoutRepeats(planned) : outlines
  const listed = [...jobs].map(({ id, job }) => statusOf(store, id, job, begun.get(id), queued.has(id)))
  if (planned !== undefined) return listed
  const waiting = [...queued].filter(([id]) => !begun.has(id))
  return [...listed, ...waiting.map(([id, job]) => statusOf(store, id, job, undefined, true))]
}

/** Returns the jobs without those whose id an earlier one has. */
const withoutRepeats = <T extends { readonly id: string }>(jobs: readonly T[]): Iterable<T> =>
  new Map(jobs.map((job) => [job.id, job])).values()

function statusOf(store: Store, id: string, job: Job, begun: RunOutline | undefined, isQueued: boolean): RunStatus {
  if (begun === undefined) return { id, job, state: isQueued ? 'queued' : 'missing', epochs: 0, ...trainingOf(job) }
  const { finished } = begun
  if (finished !== undefined) {
    return { id, job, state: 'finished', epochs: finished.epochs, ...trainingOf(job, finished.trainings) }
  }
  const run = store.run(id)
  const found = run.state()
  const state = isQueued && (found === 'interrupted' || found === 'failed') ? 'queued' : found
  const failure = state === 'failed' ? begun.failure : undefined
  const training = trainingOf(job, undefined, () => begunTrainings(store, run, job))
  return { id, job, state, epochs: run.epochCount(), ...training, ...(failure && { failure }) }
}

/**
 * Returns the progress of the full trainings of a run's found architecture; an empty object if the architecture is
 * looked up in a table.
 * @param done number of finished full trainings, if the run is finished
 * @param begun returns the number of finished epochs of each training; called only for unfinished runs
 */
export function trainingOf(
  { retraining, seed }: Job,
  done?: number,
  begun: () => readonly number[] = () => [],
): Pick<RunStatus, 'training'> {
  if (retraining === undefined) return {}
  const { settings, seeds = [seed] } = retraining
  const epochsOfEach = done === undefined ? begun() : Array(done).fill(settings.epochs)
  const underWay = epochsOfEach.find((epochs) => epochs > 0 && epochs < settings.epochs) ?? 0
  const finished = epochsOfEach.filter((epochs) => epochs === settings.epochs).length
  return { training: { preset: settings.preset, epochs: settings.epochs, trainings: seeds.length, finished, underWay } }
}

/**
 * Returns the number of finished epochs of each full training of a run, whose architecture is that of the search's last
 * epoch.
 */
function begunTrainings(store: Store, run: RunFolder, job: Job): number[] {
  const last = run.epochs().at(-1)
  if (last === undefined) return []
  return trainingIdsOf(job, last.genotype).map((id) => new TrainingFolder(store.folder, id).finishedEpochs())
}

/**
 * Returns the ids of a job's full trainings of an architecture, one for each training seed; an empty list if the job
 * has no full training.
 */
export function trainingIdsOf(job: Job, genotype: string): string[] {
  const { retraining, dataset, executor, arithmetic } = job
  if (retraining === undefined || executor === undefined) return []
  const { settings, seeds = [job.seed], keep } = retraining
  const { contentHash = '' } = dataset
  return seeds.map((seed) => {
    const training = trainingJob({
      ...{ genotype, dataset: { ...dataset, contentHash }, settings, keep, seed, executor, arithmetic },
      ...(job.spacePlugin && { spacePlugin: job.spacePlugin }),
    })
    return trainingId(training)
  })
}
