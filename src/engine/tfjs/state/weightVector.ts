/** A weight vector as one flat tensor. */
import * as tf from '@tensorflow/tfjs-core'
import { BenchError } from '../../../core/errors.ts'
import type { WeightVector } from '../../../core/executor.ts'
import type { OnBackend } from '../backend.ts'

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
