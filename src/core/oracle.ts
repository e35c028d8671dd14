/** Validation accuracies of single architectures against a clock: all that a black-box search can ask. */
import type { Genotype } from './space.ts'

export interface OracleAnswer {
  /** Validation accuracy after the training that was asked for, in %; usually a cheap one (12 epochs on NAS-Bench-201). */
  readonly accuracyPct: number
  /** What this evaluation cost: training plus one validation pass, in seconds. */
  readonly seconds: number
}

export interface Oracle {
  /** Total simulated seconds; Infinity where there is no limit. */
  readonly budgetSeconds: number
  /** Simulated seconds spent so far. */
  readonly usedSeconds: number
  /** Lengths of training that can be asked for, in epochs, ascending; absent where there is only the usual one. */
  readonly fidelities?: readonly number[]
  /**
   * The answer, or undefined where this evaluation would overshoot the budget: nothing is spent then, and the search
   * is over. Asking twice costs twice.
   *
   * @param epochs one of `fidelities`; the usual training where absent
   */
  query(genotype: Genotype, epochs?: number): Promise<OracleAnswer | undefined>
}
