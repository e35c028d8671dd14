/** How a found architecture is trained in full, and what comes of it. Presets with their sources: `src/retrain/presets.ts`. */
import type { Protocol } from './protocol.ts'

/** Resolved to plain values. */
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
    /** `imagenet`: three stride-2 convolutions first, and photographs that are decoded as they are needed. */
    readonly family: 'cifar' | 'imagenet'
    /** The second classifier, whose loss counts 0.4. */
    readonly auxiliary: boolean
    /** Poolings are followed by a batch normalisation without scale and shift. */
    readonly pooledBatchNorm: boolean
  }
  readonly learningRate: LearningRatePlan
  /** SGD's, beside the learning rate. */
  readonly weights: {
    readonly momentum: number
    readonly nesterov: boolean
    readonly weightDecay: number
    /** Largest global gradient norm; null: no clipping. */
    readonly clipNorm: number | null
  }
  /** s: target = (1 − s)·onehot + s / classes; 0: none. */
  readonly labelSmoothing: number
  /** Probability of dropping a path of a sample in epoch e is dropPath·e / epochs; 0: none. */
  readonly dropPath: number
  readonly data: Omit<Protocol['data'], 'split' | 'trainPortion' | 'architecturePortion' | 'cutoutGrows'> & {
    /** What becomes of a file that cannot be decoded. */
    readonly brokenImages: 'fail' | 'skip'
  }
}

/** Constant within an epoch, as in the papers' code. */
export interface LearningRatePlan {
  readonly initial: number
  /**
   * `cosine`: to 0. `linear`: to 0 with a gentler slope in the last five epochs. `exponential`: times `decay` an epoch.
   */
  readonly schedule: 'cosine' | 'linear' | 'exponential'
  readonly decay: number
  /** A ramp over the first epochs, for batches larger than `aboveBatchSize`. 0 epochs: none. */
  readonly warmUp: {
    readonly epochs: number
    readonly aboveBatchSize: number
    /** What the ramp multiplies: the rate of the schedule, or the initial one. */
    readonly of: 'scheduled' | 'initial'
  }
}

/** Part of a job's identity. */
export interface RetrainingTask {
  readonly settings: RetrainingSettings
  /** One training each; absent: one training, with the seed of the search. */
  readonly seeds?: readonly number[]
}

/** What a full training ended with. */
export interface TrainingOutcome {
  /** Its folder in the store. */
  readonly id: string
  readonly seed: number
  /** After the last epoch, on the test images, in %. */
  readonly testAccuracyPct: number
  readonly testTop5AccuracyPct: number
  /** The epoch that was best on the test images: chosen by what it is measured by, so never the headline. */
  readonly best: { readonly epoch: number; readonly testAccuracyPct: number }
}

export interface TrainingTime {
  readonly wallSeconds: number
  /** Largest resident memory of the process, in bytes; a GPU's own is not in it. */
  readonly peakMemoryBytes: number
}
