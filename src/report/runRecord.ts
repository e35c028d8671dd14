/** Reads the records of search runs from their folders in a store, for tables, figures and reports. */
import type { EpochRecord, FailureRecord, ResultRecord, RunManifest } from '../core/result.ts'
import { type IndexedRuns, readIndexed } from '../runner/store/indexedRuns.ts'
import type { RunFolder } from '../runner/store/runFolder.ts'
import type { ReportedEpoch, RunSummary } from '../runner/store/runSummary.ts'

/** The part of a run's record that tables and figures read: its job, epochs, and result or failure. */
export interface RunRecord extends RunSummary {
  readonly epochs: readonly ReportedEpoch[]
}

/**
 * The full record in a run's folder, with epochs and black-box evaluations as recorded. If the run was taken over from
 * a compact report, some of these data are missing.
 */
export interface WholeRun extends RunRecord {
  readonly epochs: readonly EpochRecord[]
}

/** Returns the dataset that a run searched on, or trained on in full. */
export const datasetOf = ({ manifest }: Pick<RunRecord, 'manifest'>): string => manifest.job.dataset.name

/** Returns whether a run has a result. */
export const isFinished = ({ result }: Pick<RunRecord, 'result'>): boolean => result !== undefined

/** Returns whether a run ended with an error and has no result. */
export const hasFailed = ({ result, failure }: Pick<RunRecord, 'result' | 'failure'>): boolean =>
  result === undefined && failure !== undefined

/** Returns whether a run neither finished nor failed. */
export const isUnfinished = (run: Pick<RunRecord, 'result' | 'failure'>): boolean => !isFinished(run) && !hasFailed(run)

/** Returns whether a run was imported from another program. */
export const isImported = ({ manifest }: Pick<RunRecord, 'manifest'>): boolean => manifest.job.imported !== undefined

/** Reads the full record of a run from its folder. @throws BenchError as the methods of `RunFolder` */
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
 * Returns the part of the runs' records that tables and figures read. It comes from the index of their stores; a run's
 * epochs are read from its folder on first access. Folders that hold no run are left out.
 */
export function readRuns(folders: readonly RunFolder[]): readonly RunRecord[] {
  const indexed = readIndexed(folders)
  return indexed.summaries.map((summary, i) => new IndexedRun(summary, indexed, i))
}

/**
 * A run whose epochs are read when they are needed. It is a class since each object literal with a getter has a hidden
 * class of its own, which makes hundreds of thousands of them large and slow.
 */
class IndexedRun implements RunRecord {
  readonly manifest: RunManifest
  declare readonly result?: ResultRecord
  declare readonly failure?: FailureRecord
  readonly #indexed: IndexedRuns
  readonly #position: number

  constructor({ manifest, result, failure }: RunSummary, indexed: IndexedRuns, position: number) {
    this.manifest = manifest
    // A run without a result or failure has no such property, as in records that are read from files.
    if (result !== undefined) this.result = result
    if (failure !== undefined) this.failure = failure
    this.#indexed = indexed
    this.#position = position
  }

  get epochs(): readonly ReportedEpoch[] {
    return this.#indexed.epochs(this.#position)
  }
}
