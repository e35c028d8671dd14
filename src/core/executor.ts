/**
 * The contract of the engine, the same for all algorithms. An executor compiles a network; the compiled network
 * computes the loss of a batch and its gradients with respect to mixing coefficients and network weights, takes SGD
 * steps, and offers the network weights as a vector space.
 */
import type { Batch } from './data.ts'
import type { Network } from './network.ts'

/**
 * How an executor rounds.
 *
 * `deterministic`: the same inputs give the same bits on every machine. `fused`: a multiply-add is rounded once, which
 * gives the same bits on every machine with fused multiply-adds, but not those of `deterministic`. `device`: the GPU,
 * its driver or a library decides; another device may give other bits.
 */
export type Arithmetic = 'deterministic' | 'fused' | 'device'

/** Compiles networks for one backend. */
export interface Executor {
  /** Name of the backend: `tfjs/wasm`, `tfjs/cpu`, `tfjs/tensorflow`, … */
  readonly name: string
  readonly arithmetic: Arithmetic
  /** Whether the backend computes on a GPU; a software emulation of a GPU does not count. */
  readonly onGpu?: boolean
  /**
   * Largest number of threads among which the executor has divided a training step so far. Absent: one thread, or a
   * library decides.
   */
  readonly threads?: number
  /**
   * Compiles a network.
   *
   * @param options.batchSize size of the largest batch that the network will compute; smaller ones are allowed
   * @throws BenchError `unsupported` if the network does not fit the device, naming the buffer and its size
   */
  compile(network: Network, options: CompileOptions): Promise<Executable>
}

export interface CompileOptions {
  readonly batchSize: number
}

/**
 * How batch normalisations compute. `train`: with batch statistics, and running statistics are updated. `probe`: with
 * batch statistics, and nothing is updated. `eval`: with running statistics where the network keeps them.
 */
export type Mode = 'train' | 'probe' | 'eval'

/** One batch, with the mixing coefficients and path settings to compute it under. */
export interface Feed {
  readonly batch: Batch
  /** Mixing coefficients, one for each of `network.coefficientCount`; absent for discrete networks. */
  readonly coefficients?: Float64Array
  /**
   * Mask of the mixed inputs to compute: for each mixing coefficient 1 if its input is computed, else 0. Absent: all
   * are computed.
   */
  readonly active?: Uint8Array
  /** Factor of each drop-path layer for each sample, [pathCount][batch size]; absent: all 1. */
  readonly pathScales?: Float32Array
  /**
   * Activation masks that the same executable recorded for the same batch. Absent: ReLUs and max poolings decide by
   * their input.
   */
  readonly activationMasks?: ActivationMasks
}

/**
 * Activation masks of one batch: which units each ReLU passed, and which pixel of each window a max pooling chose.
 * While they are frozen, the loss is smooth in mixing coefficients and weights, so that finite differences of its
 * gradient give the almost-everywhere second derivatives, without the jumps at kinks.
 */
export interface ActivationMasks {
  dispose(): void
}

/** Loss and number of correct predictions over some samples. */
export interface Tally {
  /** Mean loss over the samples, in nats: the weighted sum over all heads. */
  readonly loss: number
  /** Number of samples for which the main head's largest logit is that of the label. */
  readonly correct: number
  /**
   * Number of samples whose label is among the main head's five largest logits; with at most five classes, every sample
   * whose logit is not NaN.
   */
  readonly correct5: number
  readonly samples: number
}

/** The scalar function of the network's output that is differentiated. */
export type Objective =
  /**
   * Mean softmax cross-entropy over the batch. With label smoothing s, the target of sample n with label y_n is
   * t_n = (1 − s)·onehot(y_n) + s / classes. With class weights w, the mean is weighted as in PyTorch's
   * `CrossEntropyLoss(weight=w)`: Σ_n Σ_c w_c · t_nc · −log p_nc / Σ_n w_(y_n).
   */
  | {
      readonly kind: 'cross-entropy'
      readonly labelSmoothing?: number
      /** Weight of each class, positive; absent: all 1. */
      readonly classWeights?: readonly number[]
    }
  /**
   * Sum of cotangent·logits over all samples and classes of the main head; the cotangent has shape [batch, classes].
   */
  | { readonly kind: 'logits'; readonly cotangent: Float32Array }
  /**
   * Sum of cotangent·value over the network's observed activations: one cotangent for each of `network.observed`,
   * [batch, height, width, channels]. The gradient of an observed activation then includes its own cotangent.
   */
  | { readonly kind: 'observed'; readonly cotangents: readonly Float32Array[] }

/**
 * Settings of one SGD step as in PyTorch. With the gradient g of the weights w: g is clipped to a global norm, g ← g +
 * weightDecay·w, buffer ← momentum·buffer + g, w ← w − learningRate·(buffer, or g + momentum·buffer with Nesterov).
 */
export interface SgdStep {
  readonly learningRate: number
  readonly momentum: number
  readonly nesterov: boolean
  /** Factor of the L2 weight decay: weightDecay·w is added to the gradient. */
  readonly weightDecay: number
  /** Largest global L2 norm of the gradient, to which longer gradients are scaled down; null: no clipping. */
  readonly clipNorm: number | null
}

/** A vector in backend memory with one entry for each network weight. */
export interface WeightVector {
  /** Number of entries of the vector. */
  readonly length: number
  /** Copies x into this vector: this ← x. */
  assign(x: WeightVector): void
  /** Adds a multiple of x to this vector: this ← this + a·x. */
  axpy(a: number, x: WeightVector): void
  /** Multiplies this vector by a number: this ← a·this. */
  scale(a: number): void
  dot(x: WeightVector): Promise<number>
  norm(): Promise<number>
  /** Copies all entries from backend memory to the host: one network parameter after the other, each row-major. */
  read(): Promise<Float32Array>
  write(values: Float32Array): void
  dispose(): void
}

/** State of a compiled network that a checkpoint keeps. */
export interface ExecutableState {
  readonly weights: Float32Array
  readonly momentum: Float32Array
  /** Running mean, then running variance, of each batch normalisation that keeps them, one layer after the other. */
  readonly statistics: Float32Array
}

/** A compiled network. Calls must not overlap: await each promise before the next call. */
export interface Executable {
  readonly network: Network
  /** The network weights w; writing to this vector changes the network. */
  readonly weights: WeightVector
  /** SGD's momentum buffer, one entry for each network weight. */
  readonly momentum: WeightVector
  /** Allocates a vector of zeros, with one entry for each network weight. */
  vector(): WeightVector

  /**
   * Computes loss and gradients at the current weights, which do not change.
   *
   * @param want.coefficients whether to return ∂loss/∂coefficients, of length `coefficientCount`, with 0 for inputs
   * that are not computed
   * @param want.weights vector that is overwritten with ∂loss/∂w
   */
  gradient(feed: Feed, objective: Objective, want: GradientRequest, mode: Mode): Promise<GradientResult>

  /**
   * Takes one SGD step on the weights. The loss and accuracy of the step are added to the running tally, which
   * `takeTally` reads.
   */
  step(feed: Feed, objective: Objective, sgd: SgdStep): Promise<void>
  /** Returns mean loss and numbers of correct predictions over the steps since the last call of `takeTally`. */
  takeTally(): Promise<Tally>

  /** Computes loss and accuracy of the network over batches, without gradients. */
  evaluate(feeds: Iterable<Feed> | AsyncIterable<Feed>, mode: Mode): Promise<Tally>
  /**
   * Returns the main head's logits [batch, classes], the features before global pooling [batch, height, width,
   * channels], and each activation of `network.observed` [batch, height, width, channels].
   */
  forward(feed: Feed, mode: Mode): Promise<Activations>

  /**
   * Records the activation masks of a feed, computed with batch statistics; absent if the executor cannot freeze
   * activations.
   */
  activationMasks?(feed: Feed): ActivationMasks

  save(): Promise<ExecutableState>
  restore(state: ExecutableState): void
  /** Frees the memory of the compiled network on its backend. */
  dispose(): void
}

/** Activations of one batch, read back to the host. */
export interface Activations {
  readonly logits: Float32Array
  readonly features: Float32Array
  readonly observed: readonly Float32Array[]
}

export interface GradientRequest {
  readonly coefficients?: boolean
  readonly weights?: WeightVector
  /** Whether to return each activation of `network.observed` with its gradient. */
  readonly observed?: boolean
}

export interface GradientResult extends Tally {
  readonly coefficients?: Float64Array
  readonly observed?: readonly ObservedActivation[]
}

/** An observed activation and the gradient of the objective wrt it, both [batch, height, width, channels]. */
export interface ObservedActivation {
  readonly value: Float32Array
  readonly gradient: Float32Array
}
