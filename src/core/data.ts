/** Contracts for image batches: datasets provide them and executors consume them. */

export interface Batch {
  /** Images of the batch, normalised: [size, height, width, channels]. */
  readonly images: Float32Array
  /** Class of each image of the batch, 0 … classes − 1. */
  readonly labels: Int32Array
  readonly size: number
  /**
   * Name of the random stream for this batch's noise and dropped paths. Each batch of a run has its own name, and keeps
   * it when the batch is computed again. Batches without a name share their noise and drop no paths.
   */
  readonly randomKey?: RandomName
}

/** Name of a random stream: the arguments (seed and path) with which `random` opens the stream. */
export interface RandomName {
  readonly seed: number
  readonly path: readonly (string | number)[]
}

/**
 * An endless sequence of batches, in passes over a shuffled set. A batch, augmentation included, is a pure function of
 * the source's seed and the arguments of `batch`, so a resumed run needs no saved state.
 */
export interface BatchSource {
  readonly batchSize: number
  readonly batchesPerEpoch: number
  /**
   * Returns the batch of a step.
   * @param index 0-based step over all passes: pass = ⌊index / batchesPerEpoch⌋
   * @param epoch epoch of the search, for augmentation that grows with it; absent: the number of the pass
   */
  batch(index: number, epoch?: number): Promise<Batch>
}

/** Size of a dataset's images, and its number of classes. */
export interface ImageShape {
  readonly height: number
  readonly width: number
  readonly channels: number
  readonly classes: number
}

/** Numbers of images and classes in a dataset. */
export interface ImageCounts {
  readonly train: number
  readonly test: number
  readonly classes: number
}

/** How the program divides the images of a folder that has no training and test images of its own. */
export interface ImageSplit {
  /** Fraction of the images of each class that become test images, between 0 and 1. */
  readonly testPortion: number
  /** Seed by which the test images are drawn. */
  readonly seed: number
}

/** The two halves of the training set, which are all that a bilevel search may see. */
export interface SearchData {
  readonly shape: ImageShape
  /** The weight half: batches for steps on the network weights w. */
  readonly weights: BatchSource
  /** The architecture half: batches for steps on the architecture parameters α, augmented if the protocol says so. */
  readonly architecture: BatchSource
  /** The architecture half in order, without augmentation, for validation accuracies. */
  readonly validation: BatchSource
  /** Weight of each class in the loss of the search's steps; absent: all 1. */
  readonly classWeights?: readonly number[]
  /** Returns batches of all images of both halves that are training images, for single-level searches. */
  whole(): WholeSet
}

/** Batches of all training images of a search, in two independent orders, both augmented. */
export interface WholeSet {
  /** Batches for steps on the network weights w. */
  readonly weights: BatchSource
  /** Batches for steps on the architecture parameters α; a search may also take both steps on the same batch. */
  readonly architecture: BatchSource
}
