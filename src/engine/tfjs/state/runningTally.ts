/** Sums over steps that stay on the backend until they are asked for. */
import * as tf from '@tensorflow/tfjs-core'
import type { Tally } from '../../../core/executor.ts'
import type { OnBackend } from '../backend.ts'
import { TensorVector } from './weightVector.ts'

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
