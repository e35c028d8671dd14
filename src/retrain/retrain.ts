/** One full training, from its checkpoint or its beginning to its result. */
import type { Executor } from '../core/executor.ts'
import type { ProcessIdentity } from '../core/processes.ts'
import type { RetrainingSettings } from '../core/retraining.ts'
import { type DartsGenotype, darts } from '../spaces/darts/index.ts'
import type { RetrainingImages } from './images.ts'
import { networkSize } from './network.ts'
import { openTraining, type TrainingEpoch } from './training.ts'
import { TrainingFolder } from './trainingFolder.ts'
import { outcomeOf, type TrainingJob, type TrainingRecord, trainingId } from './trainingRecord.ts'

export interface RetrainingRun {
  /** Folder of the runs. */
  readonly store: string
  readonly genotype: DartsGenotype
  readonly settings: RetrainingSettings
  readonly seed: number
  readonly images: RetrainingImages
  executor(): Promise<Executor>
  /** As in a job's identity: found without loading the executor. */
  readonly executorName: string
  readonly report?: (progress: RetrainingProgress) => void
}

export type RetrainingProgress =
  | { readonly kind: 'waiting'; readonly holder: ProcessIdentity }
  /** Share of all epochs that is done, and the last finished epoch. */
  | {
      readonly kind: 'training'
      readonly seed: number
      readonly share: number
      readonly epochs: number
      readonly last?: TrainingEpoch
    }

/** → the result, whoever made it: of two processes one trains, and the other waits for it */
export async function retrain(run: RetrainingRun): Promise<TrainingRecord> {
  const job: TrainingJob = {
    genotype: darts.format(run.genotype),
    dataset: { name: run.images.name, contentHash: run.images.contentHash },
    settings: run.settings,
    seed: run.seed,
    executor: run.executorName,
  }
  const folder = new TrainingFolder(run.store, trainingId(job))
  const earlier = folder.result()
  if (earlier !== undefined) return earlier
  const held = await folder.lock((holder) => run.report?.({ kind: 'waiting', holder }))
  try {
    return folder.result() ?? (await trainThrough(run, job, folder))
  } finally {
    held.release()
  }
}

async function trainThrough(run: RetrainingRun, job: TrainingJob, folder: TrainingFolder): Promise<TrainingRecord> {
  const { settings, seed, images, genotype } = run
  const saved = folder.checkpoint()
  const { startedAt = new Date().toISOString(), wallSeconds: earlier = 0 } = saved ?? {}
  const begun = performance.now()
  const wallSeconds = () => earlier + (performance.now() - begun) / 1000
  const data = images.open({ batchSize: settings.batchSize, seed })
  try {
    const executor = await run.executor()
    const training = await openTraining({ executor, genotype, settings, data, seed })
    try {
      if (saved !== undefined) training.restore(saved.state)
      const epochs = [...(saved?.epochs ?? [])]
      while (epochs.length < settings.epochs) {
        epochs.push(await training.epoch(epochs.length, (share) => progress(run, epochs, share)))
        progress(run, epochs, 0)
        const state = await training.save()
        folder.save({ id: folder.id, epochs, state, startedAt, wallSeconds: wallSeconds() })
      }
      const record: TrainingRecord = {
        schema: 1,
        job,
        ...outcomeOf(folder.id, seed, epochs),
        ...networkSize(genotype, settings, data.shape),
        epochs,
        timing: { wallSeconds: wallSeconds(), peakMemoryBytes: peakMemory(), startedAt, finishedAt: now() },
      }
      folder.finish(record)
      return record
    } finally {
      training.dispose()
    }
  } finally {
    await data.close?.()
  }
}

/** @param share of the epoch that follows the finished ones */
function progress({ report, seed, settings }: RetrainingRun, finished: readonly TrainingEpoch[], share: number): void {
  const { epochs } = settings
  report?.({ kind: 'training', seed, epochs, share: (finished.length + share) / epochs, last: finished.at(-1) })
}

const now = () => new Date().toISOString()

/** Largest resident set so far; Node gives it in KiB. */
const peakMemory = () => 1024 * process.resourceUsage().maxRSS
