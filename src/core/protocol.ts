/** The settings in which papers differ, resolved to plain values. Presets with their sources: `src/protocols/`. */

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
    /** Epochs in which the cosine falls; then it rises for as many, and so on, as a wave. Absent: all, it falls once. */
    readonly halfPeriod?: number
    /** A ramp over the first epochs, (epoch + 1) / epochs, of the cosine's rate or of the initial one; absent: none. */
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
  /** The search network: C; N cells a stage (nb201) or number of cells (darts); batch norm. */
  readonly network: {
    readonly channels: number
    readonly depth: number
    readonly affine: boolean
    readonly track: boolean
    /**
     * DARTS: `imagenet` is a stem of three stride-2 convolutions, and photographs that are decoded as they are needed, as
     * random windows; absent: `cifar`, images in memory.
     */
    readonly family?: 'cifar' | 'imagenet'
    /** DARTS: probability of dropping an edge for a sample in the last epoch, to which it grows from 0; absent: 0. */
    readonly dropPath?: number
  }
  /** DARTS and DrNAS step on α before w; NATS-Bench's code after. */
  readonly stepOrder: 'architecture-first' | 'weights-first'
  readonly data: {
    /**
     * `fixed`: w is trained on the first share of the training set in the order of its files, α on the next, whatever the
     * seed, as many authors' code has it: images 0 … 24,999 and 25,000 … 49,999 of CIFAR-10. `benchmark`: w and α are
     * trained on what NAS-Bench-201 trains and validates on, the two halves of CIFAR-10's training set, or the training set
     * and x-valid of CIFAR-100 and ImageNet16-120. Absent: `seeded`, shares of the training set in a random order of each
     * seed, classes in proportion.
     */
    readonly split?: 'seeded' | 'fixed' | 'benchmark'
    /** Share of the training set that trains w. */
    readonly trainPortion: number
    /** Share that trains α; absent: all that does not train w. */
    readonly architecturePortion?: number
    /** Zero padding of the random crop, in pixels; 0: none. */
    readonly cropPadding: number
    readonly flip: boolean
    /** Side of the cut-out square, in pixels; 0: none. */
    readonly cutout: number
    /** Images are cut with a probability that grows from 0 in the first epoch to 1 in the last; absent: all are. */
    readonly cutoutGrows?: boolean
    /** Images are scaled down to this side; null: as they are. */
    readonly imageSize: number | null
    /** Only this many training images (the first of the order that `split` takes); null: all. */
    readonly limit: number | null
    /** What becomes of a photograph that cannot be decoded; absent: `fail`. */
    readonly brokenImages?: 'fail' | 'skip'
  }
  /**
   * Which looked-up numbers are reported, by dataset searched on: its own first, then those that the architecture is
   * transferred to. Never read by a search.
   */
  readonly headline: Readonly<Record<string, readonly Headline[]>>
}

/** A pair of table columns, as `cifar10-valid/x-valid/200/mean`. */
export interface Headline {
  /** As in a table's head: `cifar10`, `cifar100`, … */
  readonly dataset: string
  readonly validation: string
  readonly test: string
}
