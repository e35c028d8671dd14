/** Runs one full training of an architecture to the end, from the last checkpoint if there is one. */
import { withCleanup } from '../core/cleanup.ts'
import type { Arithmetic, ExecutableState, Executor } from '../core/executor.ts'
import type { Network } from '../core/network.ts'
import { requireFiniteNumbers, withEpoch } from '../core/numbers.ts'
import type { KeptWeights, RetrainingSettings, TrainedInput, WeightsToKeep } from '../core/retraining.ts'
import type { TrainingData } from '../data/imagesInMemory.ts'
import type { ProcessIdentity } from '../system/processes.ts'
import { type LogEntry, type LogFormat, ProgressLog } from '../system/progressLog.ts'
import type { TensorFile } from '../system/safetensors.ts'
import { namedTensors } from '../training/namedTensors.ts'
import type { RetrainingImages } from './images.ts'
import { type Architecture, networkSize, openTraining, type TrainingEpoch } from './training.ts'
import { FINAL_WEIGHTS, type TrainingCheckpoint, TrainingFolder, weightsFile } from './trainingFolder.ts'
import {
  bestEpoch,
  outcomeOf,
  type TrainingJob,
  type TrainingRecord,
  trainingId,
  trainingJob,
} from './trainingRecord.ts'

export interface RetrainingRun extends Architecture {
  /** Folder of the store, which contains all runs and full trainings. */
  readonly store: string
  /** Name and content hash of the plugin that defines the search space; absent for a built-in space. */
  readonly spacePlugin?: string
  readonly settings: RetrainingSettings
  /** Which weights to save in addition to the final ones; absent: none. */
  readonly keep?: WeightsToKeep
  readonly seed: number
  readonly images: RetrainingImages
  executor(): Promise<Executor>
  /** Name of the executor. It is part of the training's identity, and known before the executor is loaded. */
  readonly executorName: string
  readonly arithmetic?: Arithmetic
  /** Formats in which the metrics of each epoch are logged in the training's folder; absent: none. */
  readonly log?: readonly LogFormat[]
  readonly report?: (progress: RetrainingProgress) => void
}

export type RetrainingProgress =
  | { readonly kind: 'waiting'; readonly holder: ProcessIdentity }
  /**
   * Progress of the training: finished fraction of all its steps (`share`), number of all epochs, and the last finished
   * epoch.
   */
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
  return withCleanup(
    async () => folder.result() ?? trainThrough(run, job, folder),
    () => held.release(),
  )
}

async function trainThrough(run: RetrainingRun, job: TrainingJob, folder: TrainingFolder): Promise<TrainingRecord> {
  const { settings, seed, images } = run
  const saved = folder.checkpoint()
  const clock = startClock(saved)
  const data = images.open({ batchSize: settings.batchSize, seed })
  const work = async () => {
    const { epochs, weights } = await trainEpochs(run, data, folder, saved, clock)
    const record: TrainingRecord = {
      schema: 1,
      job,
      ...outcomeOf(folder.id, seed, epochs),
      ...networkSize(run, settings, data.shape),
      epochs,
      weights,
      timing: { ...clock(), peakMemoryBytes: peakMemory(), finishedAt: new Date().toISOString() },
    }
    folder.finish(record)
    return record
  }
  return withCleanup(work, () => data.close?.())
}

/**
 * Trains all remaining epochs and saves a checkpoint after each, and the final weights after the last.
 * @throws BenchError `failed` that names the epoch in which a number is not finite; the checkpoint of the epoch before
 * is kept
 */
async function trainEpochs(
  run: RetrainingRun,
  data: TrainingData,
  folder: TrainingFolder,
  saved: TrainingCheckpoint | undefined,
  clock: Clock,
): Promise<Pick<Required<TrainingRecord>, 'epochs' | 'weights'>> {
  const { settings, seed, family, genotype } = run
  const epochs = [...(saved?.epochs ?? [])]
  let weights = saved?.weights ?? []
  const training = await openTraining({ executor: await run.executor(), family, genotype, settings, data, seed })
  try {
    if (saved !== undefined) training.restore(saved.state)
    const log = run.log && new ProgressLog(folder.path, run.log, epochs.map(logEntry))
    while (epochs.length < settings.epochs) {
      const epoch = await training.epoch(epochs.length, (share) => reportShare(run, epochs, share))
      epochs.push(requireFiniteNumbers(epoch, 'epoch'))
      reportShare(run, epochs, 0)
      const state = await training.save()
      const count = epochs.length
      if (isKept(run, epochs)) {
        const kept = folder.keepWeights(weightsFile(count), count, weightsOf(run, training.network, state, count))
        weights = [...weights.filter((earlier) => isStillKept(earlier, run, epochs)), kept]
      }
      folder.save({ id: folder.id, epochs, state, weights, ...clock() })
      log?.add(logEntry(epochs[count - 1]))
    }
    const content = weightsOf(run, training.network, await training.save(), epochs.length)
    const final = folder.keepWeights(FINAL_WEIGHTS, epochs.length, content)
    return { epochs, weights: [...weights.filter((earlier) => isStillKept(earlier, run, epochs)), final] }
  } catch (error) {
    throw withEpoch(error, epochs.length, settings.epochs)
  } finally {
    training.dispose()
  }
}

/** Returns the metrics of a training epoch as an entry of progress logs. */
const logEntry = (epoch: TrainingEpoch): LogEntry => ({
  step: epoch.epoch,
  scalars: {
    'loss/train': epoch.trainLoss,
    'accuracy/train': epoch.trainAccuracyPct,
    'accuracy/test': epoch.testAccuracyPct,
    'accuracy/test top-5': epoch.testTop5AccuracyPct,
    'metric/test': epoch.testMetricPct,
    'learning rate': epoch.learningRate,
    'drop probability': epoch.dropProbability,
  },
})

/**
 * Returns whether to save the weights after the last finished epoch: because weights of every n-th epoch are saved, or
 * because this epoch is the best so far. The weights after the training's final epoch are always saved, in a separate
 * file.
 */
function isKept({ keep = {}, settings }: RetrainingRun, epochs: readonly TrainingEpoch[]): boolean {
  if (epochs.length === settings.epochs) return false
  const isBest = keep.best === true && bestEpoch(epochs) === epochs[epochs.length - 1]
  return isBest || (keep.every !== undefined && epochs.length % keep.every === 0)
}

/**
 * Returns whether weights that were saved earlier are still wanted: those of every n-th epoch always, others only while
 * they are the best.
 */
function isStillKept({ epochs }: KeptWeights, { keep = {} }: RetrainingRun, all: readonly TrainingEpoch[]): boolean {
  const isBest = keep.best === true && bestEpoch(all).epoch === epochs - 1
  return isBest || (keep.every !== undefined && epochs % keep.every === 0)
}

/**
 * Returns the content of the file with a network's weights: tensors named as in PyTorch, and metadata with all that is
 * needed to use them.
 */
function weightsOf(
  { family, genotype, settings, images }: RetrainingRun,
  network: Network,
  state: ExecutableState,
  epochs: number,
): TensorFile {
  const { height, width, channels } = network.values[0]
  const { classNames, statistics } = images
  const input: TrainedInput = { height, width, channels, classNames, mean: statistics.mean, std: statistics.std }
  return {
    tensors: namedTensors(network, state),
    metadata: {
      format: 'pt',
      family: family.name,
      genotype: family.format(genotype),
      epochs: String(epochs),
      network: JSON.stringify(settings.network),
      input: JSON.stringify(input),
    },
  }
}

/** Returns start time, wall-clock seconds so far, and Node.js versions of a training, over all its attempts. */
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
