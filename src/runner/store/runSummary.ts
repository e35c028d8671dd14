/** The summary of a run: the small part of its records that tables and figures read. */
import type { EpochRecord, FailureRecord, ResultRecord, RunManifest, TrajectoryPoint } from '../../core/result.ts'
import type { RunFolder } from './runFolder.ts'

/** The records of a run without its epochs and without queries that did not improve the search. */
export interface RunSummary {
  readonly manifest: RunManifest
  /** Present if the run is finished. */
  readonly result?: ReportedResult
  /** Present if the last attempt failed. */
  readonly failure?: FailureRecord
}

/**
 * A result as reports read it: its queries are only those that improved on all before. In a compact
 * report they lack their genotypes.
 */
export interface ReportedResult extends Omit<ResultRecord, 'oracle'> {
  readonly oracle?: Omit<NonNullable<ResultRecord['oracle']>, 'queries'> & {
    /** Number of all evaluations; present where `queries` has only some of them. */
    readonly evaluations?: number
    readonly queries: readonly (Omit<TrajectoryPoint, 'genotype'> & Partial<Pick<TrajectoryPoint, 'genotype'>>)[]
  }
}

/** The part of an epoch record that reports read: the architecture after the epoch, its metrics, and the probes. */
export type ReportedEpoch = Pick<EpochRecord, 'epoch' | 'genotype' | 'metrics' | 'probes'>

/** Reads the summary of a run from its files. @throws BenchError as the methods of `RunFolder` */
export function summarise(run: RunFolder): RunSummary {
  const [manifest, result, failure] = [run.manifest(), run.result(), run.failure()]
  return { manifest, ...(result && { result: withImprovements(result) }), ...(failure && { failure }) }
}

function withImprovements(result: ResultRecord): ReportedResult {
  const { oracle } = result
  return oracle === undefined ? result : { ...result, oracle: { ...oracle, queries: improvements(oracle.queries) } }
}

/** Returns the part of an epoch record that reports read. */
export const reportedEpoch = ({ epoch, genotype, metrics, probes }: ReportedEpoch): ReportedEpoch => ({
  epoch,
  genotype,
  metrics,
  ...(probes && { probes }),
})

/**
 * Returns the queries that improved a black-box search: each whose accuracy is higher than all before. Only queries of
 * the longest training count, since accuracies after trainings of different lengths are not comparable.
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
