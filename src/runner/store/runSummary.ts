/** Makes the summary of a run: the small part of its records that reports with tables and figures read. */
import { sixDigits } from '../../core/numbers.ts'
import type { EpochRecord, FailureRecord, ResultRecord, RunManifest } from '../../core/result.ts'
import type { RunFolder } from './runFolder.ts'

/**
 * The records of a run without its epoch records and, for a black-box search, with only those queries that improved on
 * all earlier ones.
 */
export interface RunSummary {
  readonly manifest: RunManifest
  /**
   * The run's result record; absent if the run is not finished. Of a black-box search's queries, it has only those with
   * a higher accuracy than all before.
   */
  readonly result?: ResultRecord
  /** The run's failure record; absent if the run is finished or its last attempt did not fail. */
  readonly failure?: FailureRecord
}

/** Names of the numbers of an epoch that show how the networks of a search learn. */
export const LEARNING = ['trainLoss', 'trainAccuracyPct', 'validLoss', 'validAccuracyPct'] as const

/**
 * The part of an epoch's record that reports read: losses and accuracies of both halves, the architecture after the
 * epoch, its metrics, and the probes' results.
 */
export type ReportedEpoch = Pick<EpochRecord, 'epoch' | (typeof LEARNING)[number] | 'genotype' | 'metrics' | 'probes'>

/** Returns the summary of a run, read from the files in its folder. @throws BenchError as the methods of `RunFolder` */
export function summarise(run: RunFolder): RunSummary {
  const [manifest, result] = [run.manifest(), run.result()]
  if (result !== undefined) return { manifest, result: withImprovements(result) }
  const failure = run.failure()
  return { manifest, ...(failure && { failure }) }
}

function withImprovements(result: ResultRecord): ResultRecord {
  const { oracle } = result
  return oracle === undefined ? result : { ...result, oracle: { ...oracle, queries: improvements(oracle.queries) } }
}

/**
 * Returns an epoch's record with only those properties that reports read. Its losses and accuracies have six significant
 * digits, which is as good in every figure and half as long.
 */
export function reportedEpoch(record: ReportedEpoch): ReportedEpoch {
  const { epoch, genotype, metrics, probes } = record
  const numbers = LEARNING.flatMap((name) => {
    const value = record[name]
    return value === undefined ? [] : [[name, value === null ? value : sixDigits(value)]]
  })
  return { epoch, ...Object.fromEntries(numbers), genotype, metrics, ...(probes && { probes }) }
}

/**
 * Returns the queries in which a black-box search improved: those with a higher accuracy than all queries before. Only
 * queries with the longest training length count, since accuracies after different lengths cannot be compared.
 */
export function improvements<T extends { readonly accuracyPct: number; readonly epochs?: number }>(
  queries: readonly T[],
): T[] {
  const longest = queries.reduce((most, { epochs = 0 }) => Math.max(most, epochs), 0)
  let best = Number.NEGATIVE_INFINITY
  return queries.filter(({ accuracyPct, epochs = 0 }) => {
    const better = epochs === longest && accuracyPct > best
    if (better) best = accuracyPct
    return better
  })
}
