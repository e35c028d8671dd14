/**
 * Measures the progress of a search, by the batches of its epochs or by its queries to the oracle, and reports it to
 * the user.
 */
import type { TrajectoryPoint } from '../../core/result.ts'
import type { RunReport } from './messages.ts'

const LEAST_MS_BETWEEN_REPORTS = 150

/** Reports the finished fraction of a supernet search, computed from the batches of its epochs. */
export class ProgressMeter {
  readonly #report: (share: number) => void
  #epoch = 0
  #epochs = Number.POSITIVE_INFINITY
  #batches = 0
  /**
   * Expected number of batches of the current epoch: that of the previous epoch, since some algorithms go through the
   * data several times in an epoch. Undefined in the first epoch.
   */
  #expected: number | undefined
  #lastReport = 0

  /** @param report called with the finished fraction of the search, 0 to 1, at most every 150 ms */
  constructor(report: (share: number) => void) {
    this.#report = report
  }

  /** Number of the search's current epoch, from 0. */
  get epoch(): number {
    return this.#epoch
  }

  /** Records that epoch number `epoch` of `epochs` begins. */
  beginEpoch(epoch: number, epochs: number): void {
    if (this.#batches > 0) this.#expected = this.#batches
    this.#epoch = epoch
    this.#epochs = epochs
    this.#batches = 0
  }

  /** Counts a batch of the current epoch. @param batchesPerEpoch number of batches in one pass over the data */
  countBatch(batchesPerEpoch: number): void {
    this.#batches++
    const now = performance.now()
    if (now - this.#lastReport < LEAST_MS_BETWEEN_REPORTS) return
    this.#lastReport = now
    const ofEpoch = Math.min(1, this.#batches / (this.#expected ?? batchesPerEpoch))
    this.#report((this.#epoch + ofEpoch) / this.#epochs)
  }
}

/** What the progress of a black-box search is computed from: queries, simulated seconds used and budget. */
export interface OracleState {
  readonly queries: readonly TrajectoryPoint[]
  readonly usedSeconds: number
  readonly budgetSeconds: number
}

/** Reports the number of queries of a black-box search and their best accuracy, at most every 150 ms. */
export class EvaluationMeter {
  readonly #oracle: OracleState
  readonly #most: number | undefined
  readonly #report: (report: RunReport) => void
  #lastReport = performance.now()
  #bestPct = Number.NEGATIVE_INFINITY
  #counted = 0

  /** @param most number of queries that the search will make, if it is known */
  constructor(oracle: OracleState, most: number | undefined, report: (report: RunReport) => void) {
    this.#oracle = oracle
    this.#most = most
    this.#report = report
  }

  /**
   * Called after each answer of the oracle; reports progress if the last report is old enough. The search awaits the
   * returned promise, so that the event loop can send the report.
   */
  answered(): Promise<void> | undefined {
    const now = performance.now()
    if (now - this.#lastReport < LEAST_MS_BETWEEN_REPORTS) return undefined
    this.#lastReport = now
    this.report()
    return new Promise((resolve) => setImmediate(resolve))
  }

  /** Reports the number of queries and their best accuracy now, however recent the last report is. */
  report(): void {
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
