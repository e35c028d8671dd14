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
  }
  /** Adam on the architecture parameters. */
  readonly architecture: {
    readonly learningRate: number
    readonly adamBetas: readonly [number, number]
    readonly epsilon: number
    readonly weightDecay: number
  }
  /** The search network: C; N cells a stage (nb201) or number of cells (darts); batch norm. */
  readonly network: {
    readonly channels: number
    readonly depth: number
    readonly affine: boolean
    readonly track: boolean
  }
  /** DARTS and DrNAS step on α before w; NATS-Bench's code after. */
  readonly stepOrder: 'architecture-first' | 'weights-first'
  readonly data: {
    /** Share of the training set that trains w. */
    readonly trainPortion: number
    /** Share that trains α; absent: all that does not train w. */
    readonly architecturePortion?: number
    /** Zero padding of the random crop, in pixels; 0: none. */
    readonly cropPadding: number
    readonly flip: boolean
    /** Side of the cut-out square, in pixels; 0: none. */
    readonly cutout: number
    /** Images are scaled down to this side; null: as they are. */
    readonly imageSize: number | null
    /** Only this many training images (the first of a seeded order); null: all. */
    readonly limit: number | null
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
