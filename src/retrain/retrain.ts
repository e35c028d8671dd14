/** Runs one full training of an architecture to its result, from the last checkpoint if there is one. */
import type { Arithmetic, Executor } from '../core/executor.ts'
import { requireFiniteNumbers, withEpoch } from '../core/numbers.ts'
import type { RetrainingSettings } from '../core/retraining.ts'
import type { TrainingData } from '../data/imagesInMemory.ts'
import type { ProcessIdentity } from '../system/processes.ts'
import type { RetrainingImages } from './images.ts'
import { type Architecture, networkSize, openTraining, type TrainingEpoch } from './training.ts'
import { type TrainingCheckpoint, TrainingFolder } from './trainingFolder.ts'
import { outcomeOf, type TrainingJob, type TrainingRecord, trainingId, trainingJob } from './trainingRecord.ts'

export interface RetrainingRun extends Architecture {
  /** The store: folder of all runs and full trainings. */
  readonly store: string
  /** Name and content hash of the plugin that defines the search space; absent for a built-in space. */
  readonly spacePlugin?: string
  readonly settings: RetrainingSettings
  readonly seed: number
  readonly images: RetrainingImages
  executor(): Promise<Executor>
  /** Name of the executor, part of the training's identity and known before the executor is loaded. */
  readonly executorName: string
  readonly arithmetic?: Arithmetic
  readonly report?: (progress: RetrainingProgress) => void
}

export type RetrainingProgress =
  | { readonly kind: 'waiting'; readonly holder: ProcessIdentity }
  /** Progress of the training: finished fraction of all epochs, and the last finished epoch. */
  | {
      readonly kind: 'training'
      readonly seed: number
      readonly share: number
      readonly epochs: number
      readonly last?: TrainingEpoch
    }

/**
 * Runs the training and returns its record. If another process runs the same training, waits for that process's result.
 */
export async function retrain(run: RetrainingRun): Promise<TrainingRecord> {
  const { executorName, images, ...rest } = run
  const genotype = run.family.format(run.genotype)
  const job = trainingJob({ ...rest, genotype, executor: executorName, dataset: images })
  const folder = new TrainingFolder(run.store, trainingId(job))
  const held = await folder.lock((holder) => run.report?.({ kind: 'waiting', holder }))
  try {
    return folder.result() ?? (await trainThrough(run, job, folder))
  } finally {
    held.release()
  }
}

async function trainThrough(run: RetrainingRun, job: TrainingJob, folder: TrainingFolder): Promise<TrainingRecord> {
  const { settings, seed, images } = run
  const saved = folder.checkpoint()
  const clock = startClock(saved)
  const data = images.open({ batchSize: settings.batchSize, seed })
  try {
    const epochs = await trainEpochs(run, data, folder, saved, clock)
    const record: TrainingRecord = {
      schema: 1,
      job,
      ...outcomeOf(folder.id, seed, epochs),
      ...networkSize(run, settings, data.shape),
      epochs,
      timing: { ...clock(), peakMemoryBytes: peakMemory(), finishedAt: new Date().toISOString() },
    }
    folder.finish(record)
    return record
  } finally {
    await data.close?.()
  }
}

/**
 * Trains all remaining epochs and saves a checkpoint after each.
 * @throws BenchError `failed` that names the epoch in which a number is not finite; the checkpoint of the epoch before
 * is kept
 */
async function trainEpochs(
  run: RetrainingRun,
  data: TrainingData,
  folder: TrainingFolder,
  saved: TrainingCheckpoint | undefined,
  clock: Clock,
): Promise<readonly TrainingEpoch[]> {
  const { settings, seed, family, genotype } = run
  const epochs = [...(saved?.epochs ?? [])]
  const training = await openTraining({ executor: await run.executor(), family, genotype, settings, data, seed })
  try {
    if (saved !== undefined) training.restore(saved.state)
    while (epochs.length < settings.epochs) {
      const epoch = await training.epoch(epochs.length, (share) => reportShare(run, epochs, share))
      epochs.push(requireFiniteNumbers(epoch, 'epoch'))
      reportShare(run, epochs, 0)
      folder.save({ id: folder.id, epochs, state: await training.save(), ...clock() })
    }
    return epochs
  } catch (error) {
    throw withEpoch(error, epochs.length, settings.epochs)
  } finally {
    training.dispose()
  }
}

/** Returns start time, working time so far, and Node.js versions of a training, over all attempts. */
type Clock = () => Pick<TrainingCheckpoint, 'startedAt' | 'wallSeconds' | 'nodeVersions'>

function startClock(saved: TrainingCheckpoint | undefined): Clock {
  const { startedAt = new Date().toISOString(), wallSeconds: earlier = 0 } = saved ?? {}
  const nodeVersions = [...new Set([...(saved?.nodeVersions ?? []), process.version])]
  const begun = performance.now()
  return () => ({ startedAt, nodeVersions, wallSeconds: earlier + (performance.now() - begun) / 1000 })
}

/** Reports the progress of the training. @param share finished fraction of the current epoch */
function reportShare(
  { report, seed, settings }: RetrainingRun,
  finished: readonly TrainingEpoch[],
  share: number,
): void {
  const { epochs } = settings
  report?.({ kind: 'training', seed, epochs, share: (finished.length + share) / epochs, last: finished.at(-1) })
}

/** Returns the largest resident memory of this process so far, in bytes. */
const peakMemory = () => 1024 * process.resourceUsage().maxRSS
