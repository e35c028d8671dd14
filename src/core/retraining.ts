/**
 * Contracts of a full training of an architecture: settings and outcome. Presets with their sources:
 * `src/retrain/presets.ts`.
 */
import type { ImageShape } from './data.ts'
import type { ReportedMetric } from './metric.ts'
import type { Protocol } from './protocol.ts'

/** All settings of a full training, as plain values. */
export interface RetrainingSettings {
  /** Name of the preset from which the settings of the training come. */
  readonly preset: string
  readonly epochs: number
  readonly batchSize: number
  readonly network: {
    /** C, the number of channels after the network's stem. */
    readonly channels: number
    /** Number of cells of the network. */
    readonly layers: number
    /**
     * Stem and images of the network. `cifar`: one convolution, and images in memory. `imagenet`: three stride-2
     * convolutions, and photographs that are decoded while training.
     */
    readonly family: 'cifar' | 'imagenet'
    /** Whether the network has an auxiliary classifier, whose loss counts with factor 0.4. */
    readonly auxiliary: boolean
    /**
     * Classifier of the network: `linear`, one linear layer, or `mlp:512,256,128` with hidden layers of so many
     * channels, each followed by a ReLU. Absent: `linear`.
     */
    readonly head?: string
    /** Whether a batch normalisation without scale and shift follows each pooling. */
    readonly pooledBatchNorm: boolean
  }
  readonly learningRate: LearningRatePlan
  /** Settings of SGD in the full training, besides the learning rate. */
  readonly weights: {
    readonly momentum: number
    readonly nesterov: boolean
    readonly weightDecay: number
    /** Largest global norm of the gradient; null: no clipping. */
    readonly clipNorm: number | null
  }
  /**
   * Metric that is measured on the test images after every epoch, beside the accuracy; absent: `top1`, the accuracy.
   */
  readonly metric?: ReportedMetric
  /** Label smoothing s: the target is (1 − s)·onehot + s/classes; 0: off. */
  readonly labelSmoothing: number
  /**
   * Drop-path probability at the end of the training: in epoch e, a path is dropped for a sample with probability
   * dropPath·e/epochs. 0: off.
   */
  readonly dropPath: number
  readonly data: Omit<Protocol['data'], 'split' | 'trainPortion' | 'architecturePortion' | 'cutoutGrows'> & {
    /**
     * What to do with an image file that cannot be decoded: `fail` ends the training with an error, `skip` leaves the
     * image out.
     */
    readonly brokenImages: 'fail' | 'skip'
  }
}

/** Schedule of the learning rate, which is constant within an epoch, as in the papers' code. */
export interface LearningRatePlan {
  readonly initial: number
  /**
   * How the learning rate changes. `cosine`: falls to 0. `linear`: falls to 0, with a gentler slope in the last five
   * epochs. `exponential`: is multiplied by `decay` after every epoch.
   */
  readonly schedule: 'cosine' | 'linear' | 'exponential'
  readonly decay: number
  /**
   * Linear warm-up of the learning rate over the first `epochs` epochs, if the batch is larger than `aboveBatchSize`. 0
   * epochs: no warm-up.
   */
  readonly warmUp: {
    readonly epochs: number
    readonly aboveBatchSize: number
    /**
     * Which learning rate the warm-up factor multiplies. `scheduled`: the one of the schedule at that epoch. `initial`:
     * the initial one.
     */
    readonly of: 'scheduled' | 'initial'
  }
}

/** Which full training a job does with the architecture that its search finds. Part of the job's identity. */
export interface RetrainingTask {
  readonly settings: RetrainingSettings
  /** Seeds of the full trainings, one training each; absent: one training, with the seed of the search. */
  readonly seeds?: readonly number[]
  /** Weights to keep beside the final ones; absent: only the final weights are kept. */
  readonly keep?: WeightsToKeep
}

/** Which weights of a full training are kept beside those after the last epoch. */
export interface WeightsToKeep {
  /** Whether to keep the weights after the epoch with the best test accuracy. */
  readonly best?: boolean
  /** N, to keep the weights after every N epochs; absent: they are not kept at intervals. */
  readonly every?: number
}

/** Weights of a full training that are kept in a file of its folder. */
export interface KeptWeights {
  /** Number of epochs after which the network had these weights. */
  readonly epochs: number
  /** Name of the file in the training's folder, which is in the format safetensors. */
  readonly file: string
  /** SHA-256 of the file's bytes, hexadecimal. */
  readonly sha256: string
}

/** The input of a trained network (image size and normalisation), and the classes that it predicts. */
export interface TrainedInput extends Pick<ImageShape, 'height' | 'width' | 'channels'> {
  /** Names of the classes, in the order of the network's logits. */
  readonly classNames: readonly string[]
  /** Mean of each channel for intensities scaled to 0 … 1; the input is (x − mean) / std. */
  readonly mean: readonly number[]
  readonly std: readonly number[]
}

/** Test accuracies at the end of a full training. */
export interface TrainingOutcome {
  /** Id of the training, which is the name of its folder in the store. */
  readonly id: string
  readonly seed: number
  /** Top-1 accuracy on the test images after the last epoch of the training, in %. */
  readonly testAccuracyPct: number
  readonly testTop5AccuracyPct: number
  /** Value of the metric of the settings after the last epoch, in %; absent if that is the accuracy itself. */
  readonly testMetricPct?: number
  /**
   * Epoch of the training with the best test accuracy. Because it is chosen on the test images, reports show it only
   * beside the final accuracy.
   */
  readonly best: { readonly epoch: number; readonly testAccuracyPct: number }
  /** Training loss and accuracies of each epoch, which figures show; absent in records of earlier versions. */
  readonly curves?: TrainingCurves
}

/** Loss and accuracies of a full training, to six significant digits; each list has one number for each epoch. */
export interface TrainingCurves {
  /** Mean training loss, with label smoothing and the auxiliary head if the training has them. */
  readonly trainLoss: readonly number[]
  /** Top-1 accuracy in the training steps, under augmentation and drop path, in %. */
  readonly trainAccuracyPct: readonly number[]
  /** Top-1 accuracy on the test images after the epoch, in %. */
  readonly testAccuracyPct: readonly number[]
}

/** Time and memory that a full training took. */
export interface TrainingTime {
  readonly wallSeconds: number
  /** Largest resident memory of the process during the training, in bytes; memory of a GPU is not included. */
  readonly peakMemoryBytes: number
}
