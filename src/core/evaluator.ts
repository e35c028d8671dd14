/** From a genotype to its final numbers: a table lookup or a full training. The runner's, never an algorithm's. */
import type { ImageCounts } from './data.ts'
import type { Metric } from './metric.ts'
import type { OracleAnswer } from './oracle.ts'
import type { TrainingOutcome, TrainingTime } from './retraining.ts'
import type { Genotype } from './space.ts'

export interface Evaluation {
  /** Everything known of the architecture, each number qualified; missing seeds are missing. */
  readonly metrics: readonly Metric[]
  /** Trainable parameters and multiply-accumulates for one image, where known. */
  readonly parameters?: number
  readonly macs?: number
  /** Where it was trained for this: one a seed. */
  readonly trainings?: readonly (TrainingOutcome & TrainingTime)[]
  /** Of the dataset that it was trained on. */
  readonly images?: ImageCounts
}

export interface Evaluator {
  /** For the job's identity: kind and content hash, e.g. `table:nb201@sha256…`. */
  readonly identity: string
  evaluate(genotype: Genotype): Promise<Evaluation>
  /** The same where it costs no training; else undefined. */
  lookup(genotype: Genotype): Promise<Evaluation | undefined>
  /** As `Oracle.fidelities`. */
  readonly fidelities?: readonly number[]
  /** The validation answer that black-box searches pay for: after the usual, cheap training, or after so many epochs. */
  validate(genotype: Genotype, epochs?: number): Promise<OracleAnswer>
}
