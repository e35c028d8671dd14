/** Measures how much of a search is done, in batches within epochs or in queries to the oracle, and reports it. */
import type { TrajectoryPoint } from '../../core/result.ts'
import type { RunReport } from './messages.ts'

const LEAST_MS_BETWEEN_REPORTS = 150

/** Reports the finished part of a supernet search, from the batches of its epochs. */
export class ProgressMeter {
  readonly #report: (share: number) => void
  #epoch = 0
  #epochs = Number.POSITIVE_INFINITY
  #batches = 0
  /**
   * Batches of an epoch: those of the last epoch, since some methods pass over the data several times; at first
   * undefined.
   */
  #expected: number | undefined
  #lastReport = 0

  /** @param report called with the finished part, 0 to 1, at most every 150 ms */
  constructor(report: (share: number) => void) {
    this.#report = report
  }

  /** The current epoch, from 0. */
  get epoch(): number {
    return this.#epoch
  }

  /** Notes that an epoch begins. */
  beginEpoch(epoch: number, epochs: number): void {
    if (this.#batches > 0) this.#expected = this.#batches
    this.#epoch = epoch
    this.#epochs = epochs
    this.#batches = 0
  }

  /** Counts a batch. @param batchesPerEpoch number of batches in one pass over the data */
  countBatch(batchesPerEpoch: number): void {
    this.#batches++
    const now = performance.now()
    if (now - this.#lastReport < LEAST_MS_BETWEEN_REPORTS) return
    this.#lastReport = now
    const ofEpoch = Math.min(1, this.#batches / (this.#expected ?? batchesPerEpoch))
    this.#report((this.#epoch + ofEpoch) / this.#epochs)
  }
}

/** The properties of an oracle that the meter of evaluations reads. */
export interface OracleState {
  readonly queries: readonly TrajectoryPoint[]
  readonly usedSeconds: number
  readonly budgetSeconds: number
}

/** Reports the queries of a black-box search and their best accuracy, at most every 150 ms. */
export class EvaluationMeter {
  readonly #oracle: OracleState
  readonly #most: number | undefined
  readonly #report: (report: RunReport) => void
  #lastReport = performance.now()
  #bestPct = Number.NEGATIVE_INFINITY
  #counted = 0

  /** @param most number of evaluations that the search will make, if known */
  constructor(oracle: OracleState, most: number | undefined, report: (report: RunReport) => void) {
    this.#oracle = oracle
    this.#most = most
    this.#report = report
  }

  /** Reports an answer. The search awaits the returned promise, so that the event loop can send the report. */
  answered(): Promise<void> | undefined {
    const now = performance.now()
    if (now - this.#lastReport < LEAST_MS_BETWEEN_REPORTS) return undefined
    this.#lastReport = now
    this.report()
    return new Promise((resolve) => setImmediate(resolve))
  }

  /** Reports the state of the oracle at once. */
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
