/** A run as the store keeps it, read into memory. */
import type { EpochRecord } from '../core/result.ts'
import type { RunFolder } from '../runner/store/runFolder.ts'
import type { ReportedEpoch, RunSummary } from '../runner/store/runSummary.ts'
import { readIndexed } from '../runner/store/storeIndex.ts'

export type { ReportedResult } from '../runner/store/runSummary.ts'

/** What tables and figures show. */
export interface RunRecord extends RunSummary {
  readonly epochs: readonly ReportedEpoch[]
}

/** Everything that its files say. */
export interface WholeRun extends RunRecord {
  readonly epochs: readonly EpochRecord[]
}

/** A run's files, read. @throws BenchError as the methods of `RunFolder` */
export function readRun(folder: RunFolder): WholeRun {
  const [result, failure] = [folder.result(), folder.failure()]
  return {
    manifest: folder.manifest(),
    epochs: folder.epochs(),
    ...(result && { result }),
    ...(failure && { failure }),
  }
}

/** What tables and figures show of runs, with the index of their stores; epochs are read when they are asked for. */
export function readRuns(folders: readonly RunFolder[]): readonly RunRecord[] {
  const indexed = readIndexed(folders)
  return indexed.summaries.map((summary, i) => ({
    ...summary,
    get epochs() {
      return indexed.epochs(i)
    },
  }))
}
