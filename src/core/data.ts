/** Image batches, as every executor takes them and every dataset gives them. */

export interface Batch {
  /** [size, height, width, channels], NHWC, normalised. */
  readonly images: Float32Array
  /** Class of each sample, 0 … classes − 1. */
  readonly labels: Int32Array
  readonly size: number
  /**
   * Names the random numbers that go with this batch: noise, dropped paths. Another name for each batch of a run, the same
   * whenever the batch is made or used again; batches without one share their noise, and drop nothing.
   */
  readonly draw?: RandomName
}

/** A stream, as `random` opens it. */
export interface RandomName {
  readonly seed: number
  readonly path: readonly (string | number)[]
}

/**
 * An endless sequence of batches, walk after walk over a shuffled set. A batch is a pure function of the source's seed and
 * what is asked for, augmentation included, so a resumed run needs no state of it.
 */
export interface BatchSource {
  readonly batchSize: number
  readonly batchesPerEpoch: number
  /**
   * @param index 0-based step, across walks: walk = ⌊index / batchesPerEpoch⌋
   * @param epoch of the search, by which augmentation may grow, however many walks a method takes in it; absent: the walk
   */
  batch(index: number, epoch?: number): Promise<Batch>
}

/** What networks need to know of a dataset. */
export interface ImageShape {
  readonly height: number
  readonly width: number
  readonly channels: number
  readonly classes: number
}

/** How much a dataset holds. */
export interface ImageCounts {
  readonly train: number
  readonly test: number
  readonly classes: number
}

/** The two halves of the training set that a bilevel search sees, and nothing else. */
export interface SearchData {
  readonly shape: ImageShape
  /** For the network's weights w. */
  readonly weights: BatchSource
  /** For the architecture parameters: training transform (DrNAS, PC-DARTS) or not, as the protocol says. */
  readonly architecture: BatchSource
  /** The architecture half once, in order, without augmentation: for validation accuracies. */
  readonly validation: BatchSource
}
