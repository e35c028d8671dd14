/** A weight vector as one flat tensor. */
import * as tf from '@tensorflow/tfjs-core'
import { BenchError } from '../../core/errors.ts'
import type { ActivationMasks, SgdStep, Tally, WeightVector } from '../../core/executor.ts'
import { type Network, type ParameterId, sizeOf } from '../../core/network.ts'
import { offsetsOf } from '../graph/graph.ts'
import { initialStatistics } from '../plan/executable.ts'
import type { BatchMoments, Moments } from './rules/rule.ts'

export class TensorVector implements WeightVector {
  readonly length: number
  readonly #on: OnBackend
  #values: tf.Tensor1D

  constructor(on: OnBackend, length: number) {
    this.#on = on
    this.length = length
    this.#values = on(() => tf.keep(tf.zeros([length])))
  }

  /** The entries, which are never changed in place: every write makes a new tensor. */
  get tensor(): tf.Tensor1D {
    return this.#values
  }

  /** this ← f(), and frees what f made on the way. */
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

  /** Accumulated in double precision on the host. */
  async dot(x: WeightVector): Promise<number> {
    const [a, b] = await Promise.all([this.read(), this.#same(x).read()])
    return a.reduce((sum, value, i) => sum + value * b[i], 0)
  }

  async norm(): Promise<number> {
    return Math.sqrt(await this.dot(this))
  }

  async read(): Promise<Float32Array> {
    // A hold of its own: the vector may be written to before the numbers have arrived.
    const held = this.#on(() => tf.keep(tf.clone(this.#values)))
    try {
      return await held.data<'float32'>()
    } finally {
      held.dispose()
    }
  }

  write(values: Float32Array): void {
    if (values.length !== this.length) {
      throw new BenchError('bad-input', `${values.length} weights were given to a network of ${this.length}`)
    }
    this.set(() => tf.tensor1d(values.slice()))
  }

  dispose(): void {
    this.#values.dispose()
  }

  #same(x: WeightVector): TensorVector {
    const vector = ownVector(x)
    if (vector.length === this.length) return vector
    throw new BenchError('bad-input', `a weight vector of ${x.length} entries met one of ${this.length}`)
  }
}

/** @throws BenchError `bad-input` where the vector belongs to another executor */
export function ownVector(x: WeightVector): TensorVector {
  if (x instanceof TensorVector) return x
  throw new BenchError('bad-input', 'the weight vector belongs to another executor; copy it with read and write')
}

/** Runs f on its backend and frees what f made on the way to its result. f must not wait for anything. */
export type OnBackend = <T>(f: () => T) => T

/** @param name of a backend that has been initialised */
export const onBackend =
  (name: string): OnBackend =>
  (f) => {
    // With an initialised backend the switch is complete before the promise is returned.
    if (tf.getBackend() !== name) void tf.setBackend(name)
    return tf.tidy(f as () => tf.TensorContainer) as ReturnType<typeof f>
  }

export class ParameterViews {
  readonly #network: Network
  readonly #weights: TensorVector
  #views: readonly tf.Tensor[] = []
  #cutFrom: tf.Tensor | undefined

  constructor(network: Network, weights: TensorVector) {
    this.#network = network
    this.#weights = weights
  }

  /** The parameter at the current weights; it stays valid until they move. */
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

/** PyTorch's `momentum`: the share of the newest batch. */
const NEWEST = 0.1

export class RunningStatistics {
  /** Running mean then running variance of each, one after the other. */
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

  /** Views into the flat tensor, made anew at every call. */
  moments(index: number): Moments {
    const channels = this.#channels[index]
    const view = (from: number) => tf.slice(this.flat.tensor, from, channels)
    return { mean: view(this.#offsets[index]), variance: view(this.#offsets[index] + channels) }
  }

  /** running ← running + 0.1·(batch − running), with the unbiased variance; normalisations not computed stay. */
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

export class RunningTally {
  /** Σ loss·samples, Σ correct, Σ correct5 */
  readonly #sums: TensorVector
  #samples = 0

  constructor(on: OnBackend) {
    this.#sums = new TensorVector(on, 3)
  }

  /** @param marks of one batch: its mean loss, correct, correct5 */
  add(marks: tf.Tensor1D, samples: number): void {
    this.#samples += samples
    this.#sums.set(() => tf.add(this.#sums.tensor, tf.mul(marks, [samples, 1, 1])))
  }

  /** The sums so far, which start anew. Of no samples, the mean loss is NaN. */
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

/** Against division by zero in clipping; PyTorch's value. */
const CLIP_EPSILON = 1e-6

/** g ← g·min(1, c/‖g‖) + λw;  buffer ← μ·buffer + g;  w ← w − η·buffer, with Nesterov w − η·(g + μ·buffer) */
export function sgd(weights: TensorVector, momentum: TensorVector, gradient: TensorVector, step: SgdStep): void {
  gradient.set(() => tf.add(clipped(gradient.tensor, step.clipNorm), tf.mul(weights.tensor, step.weightDecay)))
  momentum.set(() => tf.add(tf.mul(momentum.tensor, step.momentum), gradient.tensor))
  weights.set(() => {
    const direction = step.nesterov ? tf.add(gradient.tensor, tf.mul(momentum.tensor, step.momentum)) : momentum.tensor
    return tf.sub(weights.tensor, tf.mul(direction, step.learningRate))
  })
}

/** g·min(1, c / (‖g‖ + ε)), decided on the backend: nothing is read back. */
function clipped(gradient: tf.Tensor1D, clipNorm: number | null): tf.Tensor1D {
  if (clipNorm === null) return gradient
  const norm = tf.sqrt(tf.sum(tf.square(gradient)))
  return tf.mul(gradient, tf.minimum(1, tf.div(clipNorm, tf.add(norm, CLIP_EPSILON))))
}

export class RecordedMasks implements ActivationMasks {
  readonly #on: OnBackend
  readonly #activationMasks = new Map<string, tf.Tensor>()

  constructor(on: OnBackend) {
    this.#on = on
  }

  /** Returns the mask of a layer, which `live` computes the first time. */
  hold(name: string, live: () => tf.Tensor): tf.Tensor {
    const held = this.#activationMasks.get(name) ?? tf.keep(live())
    this.#activationMasks.set(name, held)
    return held
  }

  dispose(): void {
    this.#on(() => tf.dispose([...this.#activationMasks.values()]))
    this.#activationMasks.clear()
  }
}

/** @throws BenchError `unsupported` for another executor's activation masks */
export function ownGates(activationMasks: ActivationMasks): RecordedMasks {
  if (activationMasks instanceof RecordedMasks) return activationMasks
  throw new BenchError(
    'unsupported',
    'activationMasks of another executor; take them from the executable that they are fed to',
  )
}
