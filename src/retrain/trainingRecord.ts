/** The job and the result of a full training, as records in the store. */
import type { z as Zod } from 'zod'
import type { ImageSplit } from '../core/data.ts'
import type { Arithmetic } from '../core/executor.ts'
import { loadZod } from '../core/lazyPackages.ts'
import { once } from '../core/onceEach.ts'
import { recordSchemas } from '../core/recordSchemas.ts'
import type {
  KeptWeights,
  RetrainingSettings,
  TrainingOutcome,
  TrainingTime,
  WeightsToKeep,
} from '../core/retraining.ts'
import { contentName } from '../system/json.ts'
import type { TrainingEpoch } from './training.ts'

/** Everything that the result of a full training depends on. The hash of this job is part of the training's id. */
export interface TrainingJob {
  /** Architecture string of the trained architecture. */
  readonly genotype: string
  /** Name and content hash of the plugin that defines the search space; absent for a built-in space. */
  readonly spacePlugin?: string
  readonly dataset: { readonly name: string; readonly contentHash: string; readonly split?: ImageSplit }
  readonly settings: RetrainingSettings
  /** Which weights to save in addition to the final ones; absent: none. */
  readonly keep?: WeightsToKeep
  readonly seed: number
  /** Name of the executor that trains the network; part of the job, since executors round differently. */
  readonly executor: string
  /** How the executor rounds; absent in records of earlier versions of this program (see `Job`). */
  readonly arithmetic?: Arithmetic
}

/** Content of a full training's `result.json`: its job, its accuracies and its cost. */
export interface TrainingRecord extends TrainingOutcome {
  readonly schema: 1
  readonly job: TrainingJob
  /** Number of the network's trainable parameters, without those of the auxiliary head. */
  readonly parameters: number
  readonly macs: number
  readonly epochs: readonly TrainingEpoch[]
  /**
   * Saved weights in files of the training's folder, the final ones last; absent in records of earlier versions of this
   * program.
   */
  readonly weights?: readonly KeptWeights[]
  /** Times of the training. Only these differ between two trainings of the same job. */
  readonly timing: TrainingTime & {
    readonly startedAt: string
    readonly finishedAt: string
    /** All Node.js versions in which the training ran; absent in records of earlier versions of this program. */
    readonly nodeVersions?: readonly string[]
  }
}

/** Builds the job of a training with its fields in a fixed order, on which the hash in the training's id depends. */
export const trainingJob = ({
  genotype,
  spacePlugin,
  dataset: { name, contentHash, split },
  settings,
  keep,
  seed,
  executor,
  arithmetic,
}: TrainingJob): TrainingJob => ({
  genotype,
  ...(spacePlugin && { spacePlugin }),
  dataset: { name, contentHash, ...(split && { split }) },
  settings,
  ...(keep && { keep }),
  seed,
  executor,
  ...(arithmetic && { arithmetic }),
})

/** Returns the schema of the `result.json` of a full training. It is built once. */
export const trainingRecordSchema = once((): Zod.ZodType<TrainingRecord> => {
  const z = loadZod()
  const { fileName, imageSplit, keep, moment, retrainingSettings, trainingOutcome, trainingTime } = recordSchemas()
  const number = z.number()

  const trainingEpoch = z.looseObject({
    epoch: z.int().min(0),
    learningRate: number,
    dropProbability: number,
    trainLoss: number,
    trainAccuracyPct: number,
    testAccuracyPct: number,
    testTop5AccuracyPct: number,
    testMetricPct: number.optional(),
  }) satisfies Zod.ZodType<TrainingEpoch>

  return trainingOutcome.extend({
    schema: z.literal(1),
    job: z.looseObject({
      genotype: z.string(),
      spacePlugin: z.string().optional(),
      dataset: z.looseObject({ name: z.string(), contentHash: z.string(), split: imageSplit.optional() }),
      settings: retrainingSettings,
      keep: keep.optional(),
      seed: z.int().min(0),
      executor: z.string(),
      arithmetic: z.enum(['deterministic', 'fused', 'device']).optional(),
    }),
    parameters: number,
    macs: number,
    epochs: z.array(trainingEpoch).min(1),
    weights: z.array(z.looseObject({ epochs: z.int().min(1), file: fileName, sha256: z.string() })).optional(),
    timing: trainingTime.extend({ startedAt: moment, finishedAt: moment }),
  })
})

/** Returns the id of a training, which is also the name of its folder: `retrain-cifar10-seed0-0123456789abcdef`. */
export function trainingId(job: TrainingJob): string {
  const dataset = job.dataset.name.replace(/[^\w.]+/g, '-')
  return `retrain-${dataset}-seed${job.seed}-${contentName(job).slice(0, 16)}`
}

/** Returns the epoch with the best test accuracy, the earliest if several tie. */
export const bestEpoch = (epochs: readonly TrainingEpoch[]): TrainingEpoch =>
  epochs.reduce((top, epoch) => (epoch.testAccuracyPct > top.testAccuracyPct ? epoch : top))

/**
 * Returns the accuracies after the last epoch, and the epoch with the best test accuracy (the earliest if several tie).
 */
export function outcomeOf(id: string, seed: number, epochs: readonly TrainingEpoch[]): TrainingOutcome {
  const last = epochs[epochs.length - 1]
  const best = bestEpoch(epochs)
  return {
    id,
    seed,
    testAccuracyPct: last.testAccuracyPct,
    testTop5AccuracyPct: last.testTop5AccuracyPct,
    ...(last.testMetricPct !== undefined && { testMetricPct: last.testMetricPct }),
    best: { epoch: best.epoch, testAccuracyPct: best.testAccuracyPct },
  }
}
