/** Reads the progress of running jobs from a store: epoch, loss, accuracy and estimated time left of each. */
import { dirname, join } from 'node:path'
import { BenchError } from '../core/errors.ts'
import type { EpochRecord, Job } from '../core/result.ts'
import { TrainingFolder } from '../retrain/trainingFolder.ts'
import { trainingId, trainingJob } from '../retrain/trainingRecord.ts'
import { statIfThere } from '../system/readable.ts'
import type { RunStatus } from './status.ts'
import type { Store } from './store/store.ts'

/** Progress of a running job, according to the last records that it wrote. */
export interface LiveProgress {
  /** Whether the job is searching or is training the found architecture in full. */
  readonly phase: 'search' | 'training'
  /** Number of finished epochs of the search, or of the full training that is running. */
  readonly epoch: number
  /**
   * Total number of epochs of the search or full training; absent for black-box searches, which may end at any time.
   */
  readonly epochs?: number
  /** Mean training loss of the last finished epoch of the search or full training. */
  readonly loss?: number
  /**
   * Accuracy after the last finished epoch, in %. Supernet search: of the search network on validation images, or on
   * training images if it reports no other. Black-box search: best looked-up accuracy so far. Full training: on test
   * images.
   */
  readonly accuracyPct?: number
  /** Estimated seconds until the job ends, from the mean time of its epochs; absent if unknown. */
  readonly etaSeconds?: number
}

/**
 * Returns the progress of the unfinished runs of one store. What was read from a file is kept until the file changes,
 * because checkpoints of full trainings are large.
 */
export class LiveProgressReader {
  readonly #store: Store
  readonly #read = new Map<string, { readonly stamp: string; readonly value: unknown }>()

  constructor(store: Store) {
    this.#store = store
  }

  /** Returns the progress of a job. @param now present time in milliseconds, for the time left */
  progressOf({ id, job }: Pick<RunStatus, 'id' | 'job'>, now = Date.now()): LiveProgress {
    const epochs = this.#epochs(id)
    const training = this.#training(job, epochs, now)
    return training ?? searchProgress(job, epochs, secondsSince(this.#epochsFile(id), now))
  }

  /** Returns the number of finished epochs of each full training of a run; 0 for one whose files are damaged. */
  trainingEpochs({ id, job }: Pick<RunStatus, 'id' | 'job'>): readonly number[] {
    const last = this.#epochs(id).at(-1)
    if (last === undefined) return []
    return trainingIdsOf(job, last.genotype).map((training) => {
      try {
        const { result, saved } = this.#saved(training)
        return (result ?? saved)?.epochs.length ?? 0
      } catch (error) {
        if (error instanceof BenchError) return 0
        throw error
      }
    })
  }

  #epochsFile(id: string): string {
    return join(this.#store.folder, id, 'epochs.jsonl')
  }

  #epochs(id: string): readonly EpochRecord[] {
    return this.#once(this.#epochsFile(id), () => this.#store.run(id).epochs()) ?? []
  }

  /** Returns the result of a full training, what its checkpoint says about its progress, and the checkpoint's path. */
  #saved(id: string) {
    const folder = join(this.#store.folder, id)
    const opened = new TrainingFolder(this.#store.folder, id)
    const result = this.#once(join(folder, 'result.json'), () => opened.result())
    const file = join(folder, 'checkpoint')
    const saved = this.#once(file, () => {
      const checkpoint = opened.checkpoint()
      return checkpoint && { epochs: checkpoint.epochs, wallSeconds: checkpoint.wallSeconds }
    })
    return { result, saved, file }
  }

  /** Returns the progress of the full training that is running; undefined if none was begun. */
  #training(job: Job, epochs: readonly EpochRecord[], now: number): LiveProgress | undefined {
    const { retraining } = job
    const last = epochs.at(-1)
    if (retraining === undefined || last === undefined) return undefined
    const total = retraining.settings.epochs
    const trainings = trainingIdsOf(job, last.genotype).map((id) => this.#saved(id))
    const open = trainings.filter(({ result }) => result === undefined)
    const [current] = open
    // A training's folder is made when the training begins.
    if (current === undefined || statIfThere(dirname(trainings[0].file)) === undefined) return undefined
    const { epochs: done = [], wallSeconds = 0 } = current.saved ?? {}
    const finished = done.at(-1)
    const left = open.length * total - done.length
    const seconds = done.length > 0 ? (wallSeconds / done.length) * left - secondsSince(current.file, now) : undefined
    return {
      phase: 'training',
      epoch: done.length,
      epochs: total,
      ...(finished && { loss: finished.trainLoss, accuracyPct: finished.testAccuracyPct }),
      ...(seconds !== undefined && { etaSeconds: Math.max(0, seconds) }),
    }
  }

  /**
   * Returns the result of `read`, which reads a file, from the cache unless the file changed; undefined if there is no
   * file.
   */
  #once<T>(path: string, read: () => T): T | undefined {
    const stats = statIfThere(path)
    if (stats === undefined) return undefined
    const stamp = `${stats.mtimeMs} ${stats.size} ${stats.ino}`
    const known = this.#read.get(path)
    if (known?.stamp === stamp) return known.value as T
    const value = read()
    this.#read.set(path, { stamp, value })
    return value
  }
}

function searchProgress(job: Job, epochs: readonly EpochRecord[], idleSeconds: number): LiveProgress {
  const last = epochs.at(-1)
  const epoch = epochs.length
  const total = job.executor === undefined || epoch > job.protocol.epochs ? undefined : job.protocol.epochs
  const loss = last?.trainLoss
  const accuracyPct = last?.validAccuracyPct ?? last?.trainAccuracyPct
  const timed = epochs.flatMap(({ seconds }) => seconds ?? [])
  const mean = timed.reduce((sum, seconds) => sum + seconds, 0) / timed.length
  const isTimed = timed.length > 0 && total !== undefined && job.retraining === undefined
  return {
    phase: 'search',
    epoch,
    ...(total !== undefined && { epochs: total }),
    ...(loss !== undefined && { loss }),
    ...(accuracyPct !== undefined && { accuracyPct }),
    ...(isTimed && { etaSeconds: Math.max(0, mean * (total - epoch) - idleSeconds) }),
  }
}

/** Returns how many seconds ago a file was written; 0 if it does not exist. */
const secondsSince = (path: string, now: number): number => {
  const stats = statIfThere(path)
  return stats === undefined ? 0 : Math.max(0, (now - stats.mtimeMs) / 1000)
}

/**
 * Returns the ids of a job's full trainings of an architecture, one for each training seed; an empty list if the job
 * has no full training.
 */
function trainingIdsOf(job: Job, genotype: string): string[] {
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

/** Keeps one reader for each store, so that all looks at the stores share what was read. */
export class LiveProgressReaders {
  readonly #readers = new Map<string, LiveProgressReader>()

  of(store: Store): LiveProgressReader {
    const reader = this.#readers.get(store.folder) ?? new LiveProgressReader(store)
    this.#readers.set(store.folder, reader)
    return reader
  }
}
