/** Losses and counts added up over batches. */
import type { Tally } from '../../core/executor.ts'

export class TallySum {
  #loss = 0
  #correct = 0
  #correct5 = 0
  #samples = 0

  /** @param tally with the mean loss of its samples */
  add({ loss, correct, correct5, samples }: Tally): void {
    this.#loss += loss * samples
    this.#correct += correct
    this.#correct5 += correct5
    this.#samples += samples
  }

  /** What was added since the last call; the loss of nothing is NaN. */
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
