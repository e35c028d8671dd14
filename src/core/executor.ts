/**
 * The engine's one narrow job, the same for all algorithms: given a batch and mixing coefficients, the loss, its
 * gradient wrt coefficients and weights, and steps on the weights; and the weights as a vector space.
 */
import type { Batch } from './data.ts'
import type { Network } from './network.ts'

/**
 * How an executor rounds.
 *
 * `deterministic`: the same inputs give the same bits on every machine. `fused`: multiplication and addition are rounded
 * once; the same bits on every machine that can do so, but other bits than `deterministic`. `device`: as the GPU, its
 * driver or a library does it; another device may give other bits.
 */
export type Arithmetic = 'deterministic' | 'fused' | 'device'

/** Compiles networks for one backend. */
export interface Executor {
  /** `tfjs/wasm`, `tfjs/cpu`, `tfjs/tensorflow`, … */
  readonly name: string
  readonly arithmetic: Arithmetic
  /** True where a graphics processor computes; software that emulates one does not count. */
  readonly onGpu?: boolean
  /** Threads of this process that have worked on one step, the most so far; absent: one, or as many as a library takes. */
  readonly threads?: number
  /**
   * @param options.batchSize the largest batch that will be fed; smaller ones are allowed
   * @throws BenchError `unsupported` where the network does not fit the device, naming the buffer and its size
   */
  compile(network: Network, options: CompileOptions): Promise<Executable>
}

export interface CompileOptions {
  readonly batchSize: number
}

/** `train`: batch statistics, running statistics are updated; `probe`: batch statistics, nothing is updated;
 * `eval`: running statistics where the network keeps them. */
export type Mode = 'train' | 'probe' | 'eval'

/** One batch and the host's numbers for it. */
export interface Feed {
  readonly batch: Batch
  /** Length `network.coefficientCount`; absent for discrete networks. */
  readonly coefficients?: Float64Array
  /** 1 where the coefficient's input is computed; all where absent. */
  readonly active?: Uint8Array
  /** [pathCount][batch size]; all 1 where absent. */
  readonly pathScales?: Float32Array
  /** ActivationMasks of a feed with the same batch, whatever its paths, by the same executable; live where absent. */
  readonly activationMasks?: ActivationMasks
}

/**
 * Which units each ReLU passed for one feed, and which each max pooling chose. With these held, the loss is smooth in
 * coefficients and weights, so that differences of its gradient are the almost-everywhere second derivatives, free of
 * the jumps at kinks.
 */
export interface ActivationMasks {
  dispose(): void
}

export interface Tally {
  /** Mean loss over the samples, natural logarithm; all heads, weighted. */
  readonly loss: number
  /** Samples whose largest logit (main head) is that of the label. */
  readonly correct: number
  /** Samples whose label is among the five largest logits: with at most five classes, all whose own logit is no NaN. */
  readonly correct5: number
  readonly samples: number
}

/** What is differentiated. */
export type Objective =
  /** Mean softmax cross-entropy over the batch; target = (1 − s)·onehot + s / classes. */
  | { readonly kind: 'cross-entropy'; readonly labelSmoothing?: number }
  /** Σ cotangent·logits of the main head, cotangent [batch, classes]. */
  | { readonly kind: 'logits'; readonly cotangent: Float32Array }

/** SGD as PyTorch's: g clipped by global norm, + weightDecay·w, buffer = momentum·buffer + g, w −= lr·(…). */
export interface SgdStep {
  readonly learningRate: number
  readonly momentum: number
  readonly nesterov: boolean
  /** L2, added to the gradient. */
  readonly weightDecay: number
  /** Largest global L2 norm of the gradient; null: no clipping. */
  readonly clipNorm: number | null
}

/** A vector with one number for each parameter of a network, where the backend keeps it. */
export interface WeightVector {
  /** Number of entries. */
  readonly length: number
  /** this ← x */
  assign(x: WeightVector): void
  /** this ← this + a·x */
  axpy(a: number, x: WeightVector): void
  /** this ← a·this */
  scale(a: number): void
  dot(x: WeightVector): Promise<number>
  norm(): Promise<number>
  /** All entries: the network's parameters one after the other, each row-major. */
  read(): Promise<Float32Array>
  write(values: Float32Array): void
  dispose(): void
}

/** What a checkpoint keeps. */
export interface ExecutableState {
  readonly weights: Float32Array
  readonly momentum: Float32Array
  /** Running mean then running variance of each tracked batch normalisation, one after the other. */
  readonly statistics: Float32Array
}

/** A network that computes. One call at a time: a promise is awaited before anything else is asked. */
export interface Executable {
  readonly network: Network
  /** w, as a vector; writing to it moves the network. */
  readonly weights: WeightVector
  /** SGD's momentum buffer. */
  readonly momentum: WeightVector
  /** A new vector of zeros. */
  vector(): WeightVector

  /**
   * Loss and gradients at the current weights; the weights stay.
   * @param want.coefficients return ∂loss/∂coefficients, length `coefficientCount`, entries of inactive inputs 0
   * @param want.weights overwritten with ∂loss/∂w
   */
  gradient(feed: Feed, objective: Objective, want: GradientRequest, mode: Mode): Promise<GradientResult>

  /** One weight step. Its loss and accuracy are added to the running tally, read by `takeTally`. */
  step(feed: Feed, objective: Objective, sgd: SgdStep): Promise<void>
  /** Mean loss and counts of the steps since the last call. */
  takeTally(): Promise<Tally>

  /** Loss and accuracy over batches, without gradients. */
  evaluate(feeds: Iterable<Feed> | AsyncIterable<Feed>, mode: Mode): Promise<Tally>
  /** Main-head logits [batch, classes] and features [batch, height, width, channels]. */
  forward(feed: Feed, mode: Mode): Promise<{ readonly logits: Float32Array; readonly features: Float32Array }>

  /** The activation masks of a feed, under batch statistics; absent where the executor cannot hold them. */
  activationMasks?(feed: Feed): ActivationMasks

  save(): Promise<ExecutableState>
  restore(state: ExecutableState): void
  /** Frees what the backend holds. */
  dispose(): void
}

export interface GradientRequest {
  readonly coefficients?: boolean
  readonly weights?: WeightVector
}

export interface GradientResult extends Tally {
  readonly coefficients?: Float64Array
}
