/**
 * Contracts for what an architecture is worth. An evaluator gives its final metrics, by a table lookup or a full
 * training, and only the runner uses it. An oracle gives validation accuracies on the simulated clock, and is all that
 * a black-box search may ask.
 */
import type { ImageCounts } from './data.ts'
import type { Metric } from './metric.ts'
import type { TrainingOutcome, TrainingTime } from './retraining.ts'
import type { Genotype } from './space.ts'

export interface Evaluation {
  /** All known metrics of the architecture, each with dataset, split, epochs and seed. Missing seeds are left out. */
  readonly metrics: readonly Metric[]
  /** Trainable parameters and multiply-accumulates for one image, where known. */
  readonly parameters?: number
  readonly macs?: number
  /** One full training per seed; absent if the metrics come from a table. */
  readonly trainings?: readonly (TrainingOutcome & TrainingTime)[]
  /** Numbers of images in the dataset of these trainings. */
  readonly images?: ImageCounts
}

export interface Evaluator {
  /** Kind and content hash, such as `table:nb201@sha256…`; part of the job's identity. */
  readonly identity: string
  evaluate(genotype: Genotype): Promise<Evaluation>
  /** Returns the evaluation if no training is needed for it, else undefined. */
  lookup(genotype: Genotype): Promise<Evaluation | undefined>
  /** Training lengths that `validate` accepts, in epochs, ascending; absent if there is only the default one. */
  readonly fidelities?: readonly number[]
  /** Returns the validation accuracy and its cost. @param epochs one of `fidelities`; absent: the default training */
  validate(genotype: Genotype, epochs?: number): Promise<OracleAnswer>
}

export interface OracleAnswer {
  /** Validation accuracy after a training of the requested length, in %; by default 12 epochs on NAS-Bench-201. */
  readonly accuracyPct: number
  /** Simulated cost: training plus one validation pass, in seconds. */
  readonly seconds: number
}

export interface Oracle {
  /** Total simulated seconds; Infinity if there is no limit. */
  readonly budgetSeconds: number
  /** Simulated seconds spent so far. */
  readonly usedSeconds: number
  /** Training lengths that `query` accepts, in epochs, ascending; absent if there is only the default one. */
  readonly fidelities?: readonly number[]
  /**
   * Returns the validation accuracy and advances the clock, or returns undefined if the cost would exceed the budget:
   * then nothing is spent, and the search must end. Asking for the same architecture twice costs twice.
   *
   * @param epochs one of `fidelities`; absent: the default training
   */
  query(genotype: Genotype, epochs?: number): Promise<OracleAnswer | undefined>
}
