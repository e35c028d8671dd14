/** A run as the store keeps it, read into memory. */
import type { EpochRecord, FailureRecord, ResultRecord, RunManifest } from '../core/result.ts'

export interface RunRecord {
  readonly manifest: RunManifest
  readonly epochs: readonly EpochRecord[]
  /** Present where the run is finished. */
  readonly result?: ResultRecord
  /** Present where it stopped with an error. */
  readonly failure?: FailureRecord
}
