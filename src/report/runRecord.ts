/** Reads the records of runs from their folders, for tables, figures and reports. */
import type { EpochRecord } from '../core/result.ts'
import type { RunFolder } from '../runner/store/runFolder.ts'
import type { ReportedEpoch, RunSummary } from '../runner/store/runSummary.ts'
import { readIndexed } from '../runner/store/storeIndex.ts'

export type { ReportedResult } from '../runner/store/runSummary.ts'

/** The part of a run's records that tables and figures read. */
export interface RunRecord extends RunSummary {
  readonly epochs: readonly ReportedEpoch[]
}

/** All records of a run. */
export interface WholeRun extends RunRecord {
  readonly epochs: readonly EpochRecord[]
}

/** Reads all records of a run. @throws BenchError as the methods of `RunFolder` */
export function readRun(folder: RunFolder): WholeRun {
  const [result, failure] = [folder.result(), folder.failure()]
  return {
    manifest: folder.manifest(),
    epochs: folder.epochs(),
    ...(result && { result }),
    ...(failure && { failure }),
  }
}

/**
 * Reads what tables and figures need of runs, through the index of their stores. Epochs are read when first accessed.
 */
export function readRuns(folders: readonly RunFolder[]): readonly RunRecord[] {
  const indexed = readIndexed(folders)
  return indexed.summaries.map((summary, i) => ({
    ...summary,
    get epochs() {
      return indexed.epochs(i)
    },
  }))
}
