/** The parameters as tensors of their own shapes, cut out of the flat weight vector. */
import * as tf from '@tensorflow/tfjs-core'
import { type Network, type ParameterId, sizeOf } from '../../../core/network.ts'
import type { TensorVector } from './weightVector.ts'

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
