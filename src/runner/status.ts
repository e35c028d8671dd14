/**
 * Determines the state of each run of a store (finished, running, queued, failed, interrupted or missing) and its
 * progress.
 */
import type { Job } from '../core/result.ts'
import { LiveProgressReader } from './liveProgress.ts'
import type { PlannedJob } from './plan/plan.ts'
import { queuedJobs } from './slurm/arrays.ts'
import { type RunOutline, readOutlines } from './store/indexedRuns.ts'
import type { RunState } from './store/runFolder.ts'
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
 * @param progress reads how far full trainings are; a command that looks again and again keeps it between the looks
 * @throws BenchError `missing` if the store does not exist
 */
export function storeStatus(
  store: Store,
  planned?: readonly Pick<PlannedJob, 'id' | 'job'>[],
  progress: LiveProgressReader = new LiveProgressReader(store),
): readonly RunStatus[] {
  const queued = queuedJobs(store)
  const outlines = readOutlines(planned?.map(({ id }) => store.run(id)) ?? store.folders())
  const begun = new Map(outlines.map((outline) => [outline.id, outline]))
  const jobs: Iterable<Pick<RunOutline, 'id' | 'job'>> = planned ? withoutRepeats(planned) : outlines
  const stateOf = (id: string, job: Job, isQueued: boolean) =>
    statusOf(store, { id, job, begun: begun.get(id), isQueued, progress })
  const listed = [...jobs].map(({ id, job }) => stateOf(id, job, queued.has(id)))
  if (planned !== undefined) return listed
  const waiting = [...queued].filter(([id]) => !begun.has(id))
  return [...listed, ...waiting.map(([id, job]) => stateOf(id, job, true))]
}

/** A run whose status is wanted. */
interface Listed {
  readonly id: string
  readonly job: Job
  /** Outline of the run; undefined if it was never begun. */
  readonly begun: RunOutline | undefined
  readonly isQueued: boolean
  readonly progress: LiveProgressReader
}

/** Returns the jobs without those whose id an earlier one has. */
const withoutRepeats = <T extends { readonly id: string }>(jobs: readonly T[]): Iterable<T> =>
  new Map(jobs.map((job) => [job.id, job])).values()

function statusOf(store: Store, { id, job, begun, isQueued, progress }: Listed): RunStatus {
  if (begun === undefined) return { id, job, state: isQueued ? 'queued' : 'missing', epochs: 0, ...trainingOf(job) }
  const { finished } = begun
  if (finished !== undefined) {
    return { id, job, state: 'finished', epochs: finished.epochs, ...trainingOf(job, finished.trainings) }
  }
  const run = store.run(id)
  const found = run.state()
  const state = isQueued && (found === 'interrupted' || found === 'failed') ? 'queued' : found
  const failure = state === 'failed' ? begun.failure : undefined
  const training = trainingOf(job, undefined, () => progress.trainingEpochs({ id, job }))
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
