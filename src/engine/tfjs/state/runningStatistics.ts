/** Running mean and variance of the batch normalisations that keep them, in one flat tensor. */
import * as tf from '@tensorflow/tfjs-core'
import type { Network } from '../../../core/network.ts'
import { initialStatistics } from '../../executable.ts'
import { offsetsOf } from '../../offsets.ts'
import type { OnBackend } from '../backend.ts'
import type { BatchMoments, Moments } from '../rules/rule.ts'
import { TensorVector } from './weightVector.ts'

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
