/**
 * A protocol: the settings of a search in which papers differ. The presets with their sources are in `src/protocols/`.
 */
import type { ClassWeighting } from './classWeights.ts'
import type { ReportedMetric } from './metric.ts'

export interface Protocol {
  /** Name of the preset from which the protocol was made. */
  readonly name: string
  readonly epochs: number
  readonly batchSize: number
  /**
   * SGD on the network weights w; the learning rate falls on a cosine from `learningRate` to `learningRateMin` over the
   * epochs.
   */
  readonly weights: {
    readonly learningRate: number
    readonly learningRateMin: number
    readonly momentum: number
    readonly nesterov: boolean
    readonly weightDecay: number
    /** Largest global norm of the gradient of w; null: no clipping. */
    readonly clipNorm: number | null
    /**
     * Number of epochs in which the learning rate of w falls on its cosine; it then rises for as many epochs, and
     * repeats. Absent: it falls once, over all epochs.
     */
    readonly halfPeriod?: number
    /**
     * Warm-up of the learning rate of w over the first `epochs` epochs: the factor (epoch + 1)/epochs multiplies the
     * scheduled or the initial rate. Absent: no warm-up.
     */
    readonly warmUp?: { readonly epochs: number; readonly of: 'scheduled' | 'initial' }
  }
  /** Adam on the architecture parameters α. */
  readonly architecture: {
    readonly learningRate: number
    readonly adamBetas: readonly [number, number]
    readonly epsilon: number
    readonly weightDecay: number
    /** Largest norm of the gradient of all architecture parameters together; absent: no clipping. */
    readonly clipNorm?: number
  }
  /**
   * Size of the search network, and settings of its batch norms. `channels` is the number of channels after the stem;
   * `depth` is the number of cells per stage (NAS-Bench-201) or of all cells (DARTS).
   */
  readonly network: {
    readonly channels: number
    readonly depth: number
    readonly affine: boolean
    readonly track: boolean
    /**
     * DARTS space only: stem and images of the search network. `imagenet`: three stride-2 convolutions, and photographs
     * that are decoded while training and cropped at random. Absent: `cifar`, with images in memory.
     */
    readonly family?: 'cifar' | 'imagenet'
    /**
     * DARTS space only: probability of dropping an edge for a sample in the last epoch, growing linearly from 0.
     * Absent: 0.
     */
    readonly dropPath?: number
  }
  /**
   * Metric that the search reports of its validation images, and by which algorithms rank architectures that share
   * weights. Absent: `top1`.
   */
  readonly metric?: ReportedMetric
  /**
   * Order of the two steps of an iteration of the search. `architecture-first`: α before w, as in DARTS and DrNAS.
   * `weights-first`: w before α, as in NATS-Bench's code.
   */
  readonly stepOrder: 'architecture-first' | 'weights-first'
  readonly data: {
    /**
     * How the training set is divided between w and α. `fixed`: w takes the first images in file order, α the next
     * ones, for every seed, as in many authors' code (images 0 … 24,999 and 25,000 … 49,999 of CIFAR-10). `benchmark`:
     * w takes the images on which NAS-Bench-201 trains and α those on which it validates: the two halves of CIFAR-10's
     * training set, or the training set and x-valid of CIFAR-100 and ImageNet16-120. `seeded`, the default: each seed
     * shuffles the training set, and both parts contain the classes in proportion.
     */
    readonly split?: 'seeded' | 'fixed' | 'benchmark'
    /** Fraction of the training set on which w is trained. */
    readonly trainPortion: number
    /** Fraction of the training set on which α is trained; absent: all images on which w is not trained. */
    readonly architecturePortion?: number
    /** Width of the zero padding around an image before the random crop, in pixels; 0: no crop. */
    readonly cropPadding: number
    readonly flip: boolean
    /** Side of the square that cutout erases, in pixels; 0: no cutout. */
    readonly cutout: number
    /**
     * Whether the probability of cutout grows from 0 in the first epoch of the search to 1 in the last; absent: it is
     * always 1.
     */
    readonly cutoutGrows?: boolean
    /** Side in pixels to which images are scaled down; null: images are not scaled. */
    readonly imageSize: number | null
    /**
     * How often the training images of each class are drawn. `balanced`: in every epoch each class equally often, so
     * that the images of small classes repeat and those of large ones take turns. `uniform`, the default: each image
     * once.
     */
    readonly sampling?: 'uniform' | 'balanced'
    /**
     * Weights of the classes in the loss of the training steps. `balanced`: n / (classes · n_c), where n_c of the n
     * training images are in class c, so that every class counts alike. A record: the weight of each class by its name.
     * `none`, the default: each image counts alike.
     */
    readonly classWeights?: ClassWeighting
    /** Number of training images to use, the first in the order that `split` defines; null: all images. */
    readonly limit: number | null
    /**
     * What to do with a photograph that cannot be decoded: `fail` ends the search with an error, `skip` leaves the
     * photograph out. Absent: `fail`.
     */
    readonly brokenImages?: 'fail' | 'skip'
  }
  /**
   * Table columns to report, by the dataset on which the search trains: first the columns of that dataset, then those
   * of the datasets to which the architecture is transferred. A search never reads this.
   */
  readonly headline: Readonly<Record<string, readonly Headline[]>>
}

/**
 * The validation column and the test column to report for a dataset, each a qualifier such as
 * `cifar10-valid/x-valid/200/mean`.
 */
export interface Headline {
  /** Name of the dataset in the header of a comparison table: `cifar10`, `cifar100`, … */
  readonly dataset: string
  readonly validation: string
  readonly test: string
}
