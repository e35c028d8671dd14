/**
 * Contracts for the accuracy of architectures. An evaluator gives the final metrics of an architecture, by a table
 * lookup or a full training; only the runner uses it. An oracle gives validation accuracies and charges their cost to a
 * simulated clock; a black-box search may use nothing else.
 */
import type { ImageCounts } from './data.ts'
import type { Metric } from './metric.ts'
import type { TrainingOutcome, TrainingTime } from './retraining.ts'
import type { Genotype } from './space.ts'

export interface Evaluation {
  /**
   * All known metrics of the evaluated architecture, each with dataset, split, epochs and seed. Seeds without a result
   * are left out.
   */
  readonly metrics: readonly Metric[]
  /** Number of trainable parameters of the evaluated architecture, where known. */
  readonly parameters?: number
  readonly macs?: number
  /** The full trainings of the architecture, one per seed; absent if its metrics come from a table. */
  readonly trainings?: readonly (TrainingOutcome & TrainingTime)[]
  /** Numbers of images and classes in the dataset of the full trainings. */
  readonly images?: ImageCounts
}

export interface Evaluator {
  /** Kind of the evaluator and hash of what it reads, such as `table:nb201@sha256…`; part of the job's identity. */
  readonly identity: string
  evaluate(genotype: Genotype): Promise<Evaluation>
  /** Returns the evaluation of an architecture, or undefined if that needs a full training. */
  lookup(genotype: Genotype): Promise<Evaluation | undefined>
  /** Lengths of training that `validate` accepts, in epochs, ascending; absent if there is only the default one. */
  readonly fidelities?: readonly number[]
  /**
   * Returns the validation accuracy of an architecture and its simulated cost.
   * @param epochs length of training, one of `fidelities`; absent: the default one
   */
  validate(genotype: Genotype, epochs?: number): Promise<OracleAnswer>
}

export interface OracleAnswer {
  /**
   * Validation accuracy of the queried architecture in %, after a training of the requested length (default on
   * NAS-Bench-201: 12 epochs).
   */
  readonly accuracyPct: number
  /** Simulated cost of the oracle's answer, in seconds: the training plus one validation pass. */
  readonly seconds: number
}

export interface Oracle {
  /** Budget of the black-box search in simulated seconds; Infinity if there is no limit. */
  readonly budgetSeconds: number
  /** Simulated seconds that the search has spent so far. */
  readonly usedSeconds: number
  /** Lengths of training that `query` accepts, in epochs, ascending; absent if there is only the default one. */
  readonly fidelities?: readonly number[]
  /**
   * Returns the validation accuracy of an architecture and advances the simulated clock by its cost. If the cost would
   * exceed the budget, returns undefined: then nothing is spent, and the search must end. A second query for the same
   * architecture costs the same again.
   *
   * @param epochs length of training, one of `fidelities`; absent: the default one
   */
  query(genotype: Genotype, epochs?: number): Promise<OracleAnswer | undefined>
  /**
   * Advances the simulated clock by what the search itself computed, such as training-free scores. If that would exceed
   * the budget, returns false: then nothing is spent, and the search must end.
   */
  charge(seconds: number): boolean
}
