/** One training of one architecture, as the published records of NAS-Bench-201 and NATS-Bench hold it. */

export interface TrainingRun {
  readonly dataset: string
  /** Length of the schedule. */
  readonly epochs: number
  readonly seed: number
  /** As the training itself recorded it. */
  readonly arch?: string
  readonly parametersM?: number
  readonly flopsM?: number
  /** Seconds of one batch, mean over the measurements. */
  readonly latencySeconds?: number
  /** `train` first. */
  readonly splits: readonly SplitCurves[]
}

export interface SplitCurves {
  readonly split: string
  /** In %, by epoch; NaN where it was not measured. */
  readonly accuracyPct: Float64Array
  readonly loss: Float64Array
  /** Of the epoch's training, or of one pass over the split. */
  readonly seconds: Float64Array
}

/** All trainings of an architecture. */
export interface ArchitectureRuns {
  readonly index: number
  readonly arch: string
  readonly runs: readonly TrainingRun[]
}
