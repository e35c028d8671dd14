/** Running mean and variance of the batch normalisations that keep them, in one flat tensor. */
import * as tf from '@tensorflow/tfjs-core'
import type { OnBackend } from '../backend.ts'
import type { BatchMoments, Moments } from '../rules/rule.ts'
import { TensorVector } from './weightVector.ts'

/** PyTorch's `momentum`: the share of the newest batch. */
const NEWEST = 0.1

export class RunningStatistics {
  /** Running mean then running variance of each, one after the other. */
  readonly flat: TensorVector
  readonly #channels: readonly number[]
  readonly #starts: readonly number[]

  /** @param channels of each normalisation, as in `Network.statistics` */
  constructor(channels: readonly number[], on: OnBackend) {
    this.#channels = channels
    this.#starts = channels.map((_, i) => 2 * total(channels.slice(0, i)))
    this.flat = new TensorVector(on, 2 * total(channels))
    this.flat.write(Float32Array.from(channels.flatMap((n) => [...Array(n).fill(0), ...Array(n).fill(1)])))
  }

  /** Views into the flat tensor, made anew at every call. */
  moments(index: number): Moments {
    const channels = this.#channels[index]
    const view = (from: number) => tf.slice(this.flat.tensor, from, channels)
    return { mean: view(this.#starts[index]), variance: view(this.#starts[index] + channels) }
  }

  /** running ← running + 0.1·(batch − running), with the unbiased variance; normalisations not computed stay. */
  update(batch: ReadonlyMap<number, BatchMoments>): void {
    if (batch.size === 0) return
    const share = new Float32Array(this.flat.length)
    const unbiased = new Float32Array(this.flat.length).fill(1)
    const parts = this.#channels.flatMap((channels, i) => {
      const moments = batch.get(i)
      if (moments === undefined) return [tf.zeros([2 * channels])]
      const start = this.#starts[i]
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

const total = (counts: readonly number[]) => counts.reduce((sum, count) => sum + count, 0)
