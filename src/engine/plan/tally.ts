/** Adds up losses and correct predictions over batches. */
import type { Tally } from '../../core/executor.ts'

export class TallySum {
  #loss = 0
  #correct = 0
  #correct5 = 0
  #samples = 0

  /** Adds the tally of one batch. */
  add({ loss, correct, correct5, samples }: Tally): void {
    this.#loss += loss * samples
    this.#correct += correct
    this.#correct5 += correct5
    this.#samples += samples
  }

  /** Returns the tally of all batches added since the last call; without any, the loss is NaN. */
  take(): Tally {
    const tally = {
      loss: this.#loss / this.#samples,
      correct: this.#correct,
      correct5: this.#correct5,
      samples: this.#samples,
    }
    this.#loss = this.#correct = this.#correct5 = this.#samples = 0
    return tally
  }
}
