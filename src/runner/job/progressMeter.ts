/** How much of a search is done, counted in batches between the ends of epochs. */

const LEAST_MS_BETWEEN_REPORTS = 150

export class ProgressMeter {
  readonly #report: (share: number) => void
  #epoch = 0
  #epochs = Number.POSITIVE_INFINITY
  #batches = 0
  /** Batches of an epoch: at first what the data says, then what the last epoch took (some methods take several). */
  #expected: number | undefined
  #lastReport = 0

  /** @param report is told the share, 0 … 1, now and then */
  constructor(report: (share: number) => void) {
    this.#report = report
  }

  /** The epoch that was begun last. */
  get epoch(): number {
    return this.#epoch
  }

  beginEpoch(epoch: number, epochs: number): void {
    if (this.#batches > 0) this.#expected = this.#batches
    this.#epoch = epoch
    this.#epochs = epochs
    this.#batches = 0
  }

  countBatch(batchesPerEpoch: number): void {
    this.#batches++
    const now = performance.now()
    if (now - this.#lastReport < LEAST_MS_BETWEEN_REPORTS) return
    this.#lastReport = now
    const ofEpoch = Math.min(1, this.#batches / (this.#expected ?? batchesPerEpoch))
    this.#report((this.#epoch + ofEpoch) / this.#epochs)
  }
}
