/** Validation accuracies of single architectures against a clock: all that a black-box search can ask. */
import type { Genotype } from './space.ts'

export interface OracleAnswer {
  /** Validation accuracy after the oracle's cheap training (12 epochs on NAS-Bench-201), in %. */
  readonly accuracyPct: number
  /** What this evaluation cost: training plus one validation pass, in seconds. */
  readonly seconds: number
}

export interface Oracle {
  /** Total simulated seconds; Infinity where there is no limit. */
  readonly budgetSeconds: number
  /** Simulated seconds spent so far. */
  readonly usedSeconds: number
  /**
   * The answer, or undefined where this evaluation would overshoot the budget: nothing is spent then, and the search
   * is over. Asking twice costs twice.
   */
  query(genotype: Genotype): Promise<OracleAnswer | undefined>
}
