/** Reads the records of search runs from their folders in a store, for tables, figures and reports. */
import type { EpochRecord } from '../core/result.ts'
import { readIndexed } from '../runner/store/indexedRuns.ts'
import type { RunFolder } from '../runner/store/runFolder.ts'
import type { ReportedEpoch, RunSummary } from '../runner/store/runSummary.ts'

/** What tables and figures read of a run: its job, epochs, result or failure. */
export interface RunRecord extends RunSummary {
  readonly epochs: readonly ReportedEpoch[]
}

/**
 * All that a run's folder holds: epochs and evaluations of a black-box search as they were recorded, which for a run
 * that was taken over from a compact report are fewer.
 */
export interface WholeRun extends RunRecord {
  readonly epochs: readonly EpochRecord[]
}

/** Returns all records of a run, read from its folder. @throws BenchError as the methods of `RunFolder` */
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
 * Returns what tables and figures need of runs. It is read from the index of their stores; a run's epochs are read from
 * its folder when first accessed.
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
