/**
 * The tensors that a TensorFlow.js executable keeps from one batch to the next: weight vectors, running statistics,
 * sums of losses, recorded activation masks. Also the SGD step on them, and the function that switches to the backend
 * on which they live.
 */
import * as tf from '@tensorflow/tfjs-core'
import { BenchError } from '../../core/errors.ts'
import type { ActivationMasks, SgdStep, Tally, WeightVector } from '../../core/executor.ts'
import { type Network, type ParameterId, sizeOf } from '../../core/network.ts'
import { pluralize } from '../../core/plainText.ts'
import { offsetsOf } from '../graph/graph.ts'
import { initialStatistics } from '../plan/executable.ts'
import type { BatchMoments, Moments } from './rules/rule.ts'

/**
 * Runs the synchronous function `f` on one TensorFlow.js backend, frees the temporary tensors that `f` made, and
 * returns the result of `f`.
 */
export type OnBackend = <T>(f: () => T) => T

/**
 * Returns a function that runs other functions on the named backend, which must have been loaded. TensorFlow.js has one
 * current backend in the whole process, but executors of several backends may exist at the same time.
 */
export const onBackend =
  (name: string): OnBackend =>
  (f) => {
    // With an initialised backend the switch is complete before the promise is returned.
    if (tf.getBackend() !== name) void tf.setBackend(name)
    return tf.tidy(f as () => tf.TensorContainer) as ReturnType<typeof f>
  }

/** A vector with one entry for each weight of a network, stored as one flat tensor. */
export class TensorVector implements WeightVector {
  readonly length: number
  readonly #on: OnBackend
  #values: tf.Tensor1D

  constructor(on: OnBackend, length: number) {
    this.#on = on
    this.length = length
    this.#values = on(() => tf.keep(tf.zeros([length])))
  }

  /**
   * The entries of the vector as a tensor. The tensor is never changed in place: every write to the vector makes a new
   * one.
   */
  get tensor(): tf.Tensor1D {
    return this.#values
  }

  /** Replaces the vector's entries by the tensor that `f` returns, and frees the other tensors that `f` made. */
  set(f: () => tf.Tensor1D): void {
    const values = this.#on(() => tf.keep(f()))
    this.#values.dispose()
    this.#values = values
  }

  assign(x: WeightVector): void {
    this.set(() => tf.clone(this.#same(x).tensor))
  }

  axpy(a: number, x: WeightVector): void {
    this.set(() => tf.add(this.#values, tf.mul(this.#same(x).tensor, a)))
  }

  scale(a: number): void {
    this.set(() => tf.mul(this.#values, a))
  }

  /** Returns the dot product of two weight vectors, accumulated in double precision on the host. */
  async dot(x: WeightVector): Promise<number> {
    const [a, b] = await Promise.all([this.read(), this.#same(x).read()])
    return a.reduce((sum, value, i) => sum + value * b[i], 0)
  }

  async norm(): Promise<number> {
    return Math.sqrt(await this.dot(this))
  }

  async read(): Promise<Float32Array> {
    // A clone, because the vector may be written to before the numbers have arrived.
    const held = this.#on(() => tf.keep(tf.clone(this.#values)))
    try {
      return await held.data<'float32'>()
    } finally {
      held.dispose()
    }
  }

  write(values: Float32Array): void {
    if (values.length !== this.length) {
      throw new BenchError('bad-input', `a network of ${pluralize(this.length, 'weight')} was given ${values.length}`)
    }
    this.set(() => tf.tensor1d(values.slice()))
  }

  dispose(): void {
    this.#values.dispose()
  }

  #same(x: WeightVector): TensorVector {
    const vector = ownVector(x)
    if (vector.length === this.length) return vector
    throw new BenchError(
      'bad-input',
      `a weight vector of ${pluralize(x.length, 'entry', 'entries')} met one of ${this.length}`,
    )
  }
}

/**
 * Checks that a weight vector belongs to the TensorFlow.js executor, and returns it. @throws BenchError `bad-input` if
 * it belongs to another executor
 */
export function ownVector(x: WeightVector): TensorVector {
  if (x instanceof TensorVector) return x
  throw new BenchError('bad-input', 'the weight vector belongs to another executor; copy it with read and write')
}

/**
 * The parameters of a network as tensors of their own shapes, cut out of the flat weight vector anew whenever it has
 * changed.
 */
export class ParameterViews {
  readonly #network: Network
  readonly #weights: TensorVector
  #views: readonly tf.Tensor[] = []
  #cutFrom: tf.Tensor | undefined

  constructor(network: Network, weights: TensorVector) {
    this.#network = network
    this.#weights = weights
  }

  /** Returns one parameter at the current weights; the tensor is valid until the weights change. */
  at(id: ParameterId): tf.Tensor {
    if (this.#cutFrom !== this.#weights.tensor) this.#cut()
    return this.#views[id]
  }

  dispose(): void {
    tf.dispose([...this.#views])
    this.#views = []
    this.#cutFrom = undefined
  }

  #cut(): void {
    this.dispose()
    const shapes = this.#network.parameters.map(({ shape }) => [...shape])
    const parts = tf.split(this.#weights.tensor, shapes.map(sizeOf))
    this.#views = parts.map((part, i) => tf.keep(tf.reshape(part, shapes[i])))
    this.#cutFrom = this.#weights.tensor
  }
}

/** Weight of the newest batch in the running mean and variance of a batch norm; PyTorch calls it `momentum`. */
const NEWEST = 0.1

/** Running mean and variance of all batch normalisations that keep them, in one flat tensor. */
export class RunningStatistics {
  /**
   * All running statistics in one vector: for each batch normalisation its running means, then its running variances.
   */
  readonly flat: TensorVector
  readonly #channels: readonly number[]
  readonly #offsets: readonly number[]

  constructor(network: Network, on: OnBackend) {
    const initial = initialStatistics(network)
    this.#channels = network.statistics
    this.#offsets = offsetsOf(network.statistics.map((channels) => 2 * channels))
    this.flat = new TensorVector(on, initial.length)
    this.flat.write(initial)
  }

  /**
   * Returns copies of the running mean and variance of one batch normalisation, [channels] each.
   *
   * @param index the batch norm's position in the network's `statistics`
   */
  moments(index: number): Moments {
    const channels = this.#channels[index]
    const view = (from: number) => tf.slice(this.flat.tensor, from, channels)
    return { mean: view(this.#offsets[index]), variance: view(this.#offsets[index] + channels) }
  }

  /**
   * Updates the running statistics: running ← running + 0.1·(batch − running), with the unbiased variance of the batch.
   *
   * @param batch moments of the batch, by the batch norm's position in the network's `statistics`; a batch norm without
   * an entry keeps its statistics
   */
  update(batch: ReadonlyMap<number, BatchMoments>): void {
    if (batch.size === 0) return
    const share = new Float32Array(this.flat.length)
    const unbiased = new Float32Array(this.flat.length).fill(1)
    const parts = this.#channels.flatMap((channels, i) => {
      const moments = batch.get(i)
      if (moments === undefined) return [tf.zeros([2 * channels])]
      const start = this.#offsets[i]
      share.fill(NEWEST, start, start + 2 * channels)
      unbiased.fill(moments.cells / Math.max(1, moments.cells - 1), start + channels, start + 2 * channels)
      return [moments.mean, moments.variance]
    })
    this.flat.set(() => {
      const newest = tf.mul(tf.concat(parts as tf.Tensor1D[]), tf.tensor1d(unbiased))
      return tf.add(this.flat.tensor, tf.mul(tf.sub(newest, this.flat.tensor), tf.tensor1d(share)))
    })
  }
}

/**
 * Sums of losses and correct predictions over training steps. They stay on the backend, so that no step waits for
 * reading them back.
 */
export class RunningTally {
  /** Three sums over the batches so far: Σ loss·samples, Σ correct, Σ top-5 correct. */
  readonly #sums: TensorVector
  #samples = 0

  constructor(on: OnBackend) {
    this.#sums = new TensorVector(on, 3)
  }

  /** Adds the scores of one batch. @param scores [mean loss, number correct, number top-5 correct] */
  add(scores: tf.Tensor1D, samples: number): void {
    this.#samples += samples
    this.#sums.set(() => tf.add(this.#sums.tensor, tf.mul(scores, [samples, 1, 1])))
  }

  /**
   * Returns mean loss and correct predictions of all batches since the last call, and starts again at zero; without any
   * batch, the mean loss is NaN.
   */
  async take(): Promise<Tally> {
    const samples = this.#samples
    const reading = this.#sums.read()
    this.#samples = 0
    this.#sums.set(() => tf.zeros([3]))
    const [loss, correct, correct5] = await reading
    return { loss: loss / samples, correct, correct5, samples }
  }

  dispose(): void {
    this.#sums.dispose()
  }
}

/**
 * Added to the gradient norm so that gradient clipping never divides by zero; PyTorch's `clip_grad_norm_` uses the same
 * value.
 */
const CLIP_EPSILON = 1e-6

/**
 * Takes a step of stochastic gradient descent, as PyTorch's `clip_grad_norm_` and `SGD` do one after the other. With
 * gradient g, weights w, clip norm c, weight decay λ, momentum μ and learning rate η:
 *
 * \n   g ← g·min(1, c/‖g‖) + λw;  buffer ← μ·buffer + g;  w ← w − η·buffer, with Nesterov w − η·(g + μ·buffer).
 *
 * @param gradient overwritten with the clipped and decayed gradient
 */
export function sgd(weights: TensorVector, momentum: TensorVector, gradient: TensorVector, step: SgdStep): void {
  gradient.set(() => tf.add(clipped(gradient.tensor, step.clipNorm), tf.mul(weights.tensor, step.weightDecay)))
  momentum.set(() => tf.add(tf.mul(momentum.tensor, step.momentum), gradient.tensor))
  weights.set(() => {
    const direction = step.nesterov ? tf.add(gradient.tensor, tf.mul(momentum.tensor, step.momentum)) : momentum.tensor
    return tf.sub(weights.tensor, tf.mul(direction, step.learningRate))
  })
}

/**
 * Returns the gradient g scaled to a norm of at most c: g·min(1, c / (‖g‖ + ε)), computed on the backend without
 * reading the norm back.
 */
function clipped(gradient: tf.Tensor1D, clipNorm: number | null): tf.Tensor1D {
  if (clipNorm === null) return gradient
  const norm = tf.sqrt(tf.sum(tf.square(gradient)))
  return tf.mul(gradient, tf.minimum(1, tf.div(clipNorm, tf.add(norm, CLIP_EPSILON))))
}

/**
 * The activation masks of one batch: which entries each ReLU passed and which entry each max pooling chose. The first
 * pass that runs with this object records the masks; later passes read them.
 */
export class RecordedMasks implements ActivationMasks {
  readonly #on: OnBackend
  readonly #masks = new Map<string, tf.Tensor>()

  constructor(on: OnBackend) {
    this.#on = on
  }

  /**
   * Returns a recorded tensor by its name. The first call for a name computes the tensor by `compute` and records it.
   */
  recorded(name: string, compute: () => tf.Tensor): tf.Tensor {
    const tensor = this.#masks.get(name) ?? tf.keep(compute())
    this.#masks.set(name, tensor)
    return tensor
  }

  dispose(): void {
    this.#on(() => tf.dispose([...this.#masks.values()]))
    this.#masks.clear()
  }
}

/**
 * Checks that the TensorFlow.js executor recorded these activation masks, and returns them. @throws BenchError
 * `unsupported` if another executor recorded them
 */
export function ownMasks(activationMasks: ActivationMasks): RecordedMasks {
  if (activationMasks instanceof RecordedMasks) return activationMasks
  throw new BenchError(
    'unsupported',
    'activation masks of another executor; take them from the executable that they are fed to',
  )
}
