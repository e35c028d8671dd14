/** Settings and outcome of a full training of an architecture. Presets with their sources: `src/retrain/presets.ts`. */
import type { Protocol } from './protocol.ts'

/** All settings of a full training, as plain values. */
export interface RetrainingSettings {
  /** Name of the preset that the values come from. */
  readonly preset: string
  readonly epochs: number
  readonly batchSize: number
  readonly network: {
    /** C, channels after the stem. */
    readonly channels: number
    /** Number of cells. */
    readonly layers: number
    /** `imagenet`: a stem of three stride-2 convolutions, and photographs that are decoded while training. */
    readonly family: 'cifar' | 'imagenet'
    /** Whether there is an auxiliary classifier, with weight 0.4 in the loss. */
    readonly auxiliary: boolean
    /** Whether a batch normalisation without scale and shift follows each pooling. */
    readonly pooledBatchNorm: boolean
  }
  readonly learningRate: LearningRatePlan
  /** Settings of SGD besides the learning rate. */
  readonly weights: {
    readonly momentum: number
    readonly nesterov: boolean
    readonly weightDecay: number
    /** Largest global gradient norm; null: no clipping. */
    readonly clipNorm: number | null
  }
  /** Label smoothing s: target = (1 − s)·onehot + s/classes; 0: off. */
  readonly labelSmoothing: number
  /**
   * Final drop-path probability: in epoch e, a path is dropped for a sample with probability dropPath·e/epochs. 0: off.
   */
  readonly dropPath: number
  readonly data: Omit<Protocol['data'], 'split' | 'trainPortion' | 'architecturePortion' | 'cutoutGrows'> & {
    /** What to do with an image file that cannot be decoded. */
    readonly brokenImages: 'fail' | 'skip'
  }
}

/** Schedule of the learning rate, which is constant within an epoch, as in the papers' code. */
export interface LearningRatePlan {
  readonly initial: number
  /**
   * `cosine`: falls to 0. `linear`: falls to 0, with a gentler slope in the last five epochs. `exponential`: multiplied
   * by `decay` after every epoch.
   */
  readonly schedule: 'cosine' | 'linear' | 'exponential'
  readonly decay: number
  /** Linear warm-up over the first epochs if the batch is larger than `aboveBatchSize`. 0 epochs: no warm-up. */
  readonly warmUp: {
    readonly epochs: number
    readonly aboveBatchSize: number
    /** Which rate the warm-up factor multiplies: the scheduled or the initial one. */
    readonly of: 'scheduled' | 'initial'
  }
}

/** A full training as part of a job, and so of its identity. */
export interface RetrainingTask {
  readonly settings: RetrainingSettings
  /** Seeds, one training each; absent: one training, with the seed of the search. */
  readonly seeds?: readonly number[]
}

/** Test accuracies at the end of a full training. */
export interface TrainingOutcome {
  /** Name of the training's folder in the store. */
  readonly id: string
  readonly seed: number
  /** Top-1 accuracy on the test images after the last epoch, in %. */
  readonly testAccuracyPct: number
  readonly testTop5AccuracyPct: number
  /** The epoch with the best test accuracy. It is chosen on the test images, so it is never reported first. */
  readonly best: { readonly epoch: number; readonly testAccuracyPct: number }
}

/** Time and memory that a full training took. */
export interface TrainingTime {
  readonly wallSeconds: number
  /** Largest resident memory of the process, in bytes; memory of a GPU is not included. */
  readonly peakMemoryBytes: number
}
