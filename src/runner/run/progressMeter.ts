/** How much of a search is done: in batches between the ends of epochs, or in questions to the oracle. */
import type { TrajectoryPoint } from '../../core/result.ts'
import type { RunReport } from './messages.ts'

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

/** What a meter of evaluations reads. */
export interface Questions {
  readonly queries: readonly TrajectoryPoint[]
  readonly usedSeconds: number
  readonly budgetSeconds: number
}

/** Reports how far a black-box search is, now and then. */
export class EvaluationMeter {
  readonly #oracle: Questions
  readonly #most: number | undefined
  readonly #report: (report: RunReport) => void
  #lastReport = performance.now()
  #bestPct = Number.NEGATIVE_INFINITY
  #counted = 0

  /** @param most evaluations that the search will make, where that is known */
  constructor(oracle: Questions, most: number | undefined, report: (report: RunReport) => void) {
    this.#oracle = oracle
    this.#most = most
    this.#report = report
  }

  /** To be awaited: a report gets through only where the search pauses for it. */
  answered(): Promise<void> | undefined {
    const now = performance.now()
    if (now - this.#lastReport < LEAST_MS_BETWEEN_REPORTS) return undefined
    this.#lastReport = now
    this.tell()
    return new Promise((resolve) => setImmediate(resolve))
  }

  /** Reports what there is. */
  tell(): void {
    const { queries, usedSeconds, budgetSeconds } = this.#oracle
    for (; this.#counted < queries.length; this.#counted++) {
      this.#bestPct = Math.max(this.#bestPct, queries[this.#counted].accuracyPct)
    }
    this.#report({
      kind: 'evaluations',
      count: queries.length,
      usedSeconds,
      ...(this.#most !== undefined && { most: this.#most }),
      ...(Number.isFinite(budgetSeconds) && { budgetSeconds }),
      ...(queries.length > 0 && { bestPct: this.#bestPct }),
    })
  }
}
