/**
 * A protocol: the settings of a search in which papers differ. The presets with their sources are in `src/protocols/`.
 */

export interface Protocol {
  /** Name of the preset it came from. */
  readonly name: string
  readonly epochs: number
  readonly batchSize: number
  /** SGD on w, cosine from `learningRate` to `learningRateMin` over the epochs. */
  readonly weights: {
    readonly learningRate: number
    readonly learningRateMin: number
    readonly momentum: number
    readonly nesterov: boolean
    readonly weightDecay: number
    /** Largest global gradient norm; null: no clipping. */
    readonly clipNorm: number | null
    /**
     * Epochs in which the cosine falls; it then rises for as many epochs, and repeats. Absent: it falls once, over all
     * epochs.
     */
    readonly halfPeriod?: number
    /**
     * Warm-up over the first epochs: factor (epoch + 1)/epochs on the scheduled or on the initial rate. Absent: no
     * warm-up.
     */
    readonly warmUp?: { readonly epochs: number; readonly of: 'scheduled' | 'initial' }
  }
  /** Adam on the architecture parameters. */
  readonly architecture: {
    readonly learningRate: number
    readonly adamBetas: readonly [number, number]
    readonly epsilon: number
    readonly weightDecay: number
    /** Largest norm of the gradient wrt all architecture parameters; absent: no clipping. */
    readonly clipNorm?: number
  }
  /** The search network: C channels; depth is N cells a stage (nb201) or the number of cells (darts); batch norm. */
  readonly network: {
    readonly channels: number
    readonly depth: number
    readonly affine: boolean
    readonly track: boolean
    /**
     * DARTS space only. `imagenet`: a stem of three stride-2 convolutions, and photographs that are decoded while
     * training and cropped at random. Absent: `cifar`, with images in memory.
     */
    readonly family?: 'cifar' | 'imagenet'
    /** DARTS space only: drop-path probability in the last epoch, growing linearly from 0. Absent: 0. */
    readonly dropPath?: number
  }
  /** Order of the two steps of an iteration: DARTS and DrNAS step on α before w, NATS-Bench's code after. */
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
    /** Fraction of the training set that trains w. */
    readonly trainPortion: number
    /** Fraction of the training set that trains α; absent: all images that do not train w. */
    readonly architecturePortion?: number
    /** Zero padding before the random crop, in pixels; 0: no crop. */
    readonly cropPadding: number
    readonly flip: boolean
    /** Side of the square that cutout erases, in pixels; 0: no cutout. */
    readonly cutout: number
    /** Whether the probability of cutout grows from 0 in the first epoch to 1 in the last; absent: it is 1. */
    readonly cutoutGrows?: boolean
    /** Side to which images are scaled down, in pixels; null: not scaled. */
    readonly imageSize: number | null
    /** Number of training images to use, the first in the order that `split` defines; null: all. */
    readonly limit: number | null
    /** What to do with a photograph that cannot be decoded; absent: `fail`. */
    readonly brokenImages?: 'fail' | 'skip'
  }
  /**
   * Which table columns are reported, by the dataset that is searched on: first its own, then those of the datasets
   * that the architecture is transferred to. A search never reads this.
   */
  readonly headline: Readonly<Record<string, readonly Headline[]>>
}

/**
 * The validation and test columns to report for a dataset, each a qualifier such as `cifar10-valid/x-valid/200/mean`.
 */
export interface Headline {
  /** Name of the dataset in the header of a comparison table: `cifar10`, `cifar100`, … */
  readonly dataset: string
  readonly validation: string
  readonly test: string
}
