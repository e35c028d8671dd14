/** A run as the store keeps it, read into memory. */
import type { EpochRecord, FailureRecord, ResultRecord, RunManifest, TrajectoryPoint } from '../core/result.ts'
import type { RunFolder } from '../runner/store/runFolder.ts'

export interface RunRecord {
  readonly manifest: RunManifest
  readonly epochs: readonly EpochRecord[]
  /** Present where the run is finished. */
  readonly result?: ReportedResult
  /** Present where it stopped with an error. */
  readonly failure?: FailureRecord
}

/** Condensed records know when a search was answered, and with what, but not on what it asked. */
export interface ReportedResult extends Omit<ResultRecord, 'oracle'> {
  readonly oracle?: Omit<NonNullable<ResultRecord['oracle']>, 'queries'> & {
    readonly queries: readonly (Omit<TrajectoryPoint, 'genotype'> & Partial<Pick<TrajectoryPoint, 'genotype'>>)[]
  }
}

/** A run's files, read. */
export function readRun(folder: RunFolder): RunRecord {
  const [result, failure] = [folder.result(), folder.failure()]
  return {
    manifest: folder.manifest(),
    epochs: folder.epochs(),
    ...(result && { result }),
    ...(failure && { failure }),
  }
}
