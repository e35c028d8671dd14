/** What tables and figures read of a run, which is a small part of its records. */
import type { EpochRecord, FailureRecord, ResultRecord, RunManifest, TrajectoryPoint } from '../../core/result.ts'
import type { RunFolder } from './runFolder.ts'

export interface RunSummary {
  readonly manifest: RunManifest
  /** Present where the run is finished. */
  readonly result?: ReportedResult
  /** Present where it stopped with an error. */
  readonly failure?: FailureRecord
}

/** Of what a search asked, reports read the answers that were better than all before; condensed records lack on what it asked. */
export interface ReportedResult extends Omit<ResultRecord, 'oracle'> {
  readonly oracle?: Omit<NonNullable<ResultRecord['oracle']>, 'queries'> & {
    readonly queries: readonly (Omit<TrajectoryPoint, 'genotype'> & Partial<Pick<TrajectoryPoint, 'genotype'>>)[]
  }
}

/** What the search would have answered after an epoch, and what its probes measured. */
export type ReportedEpoch = Pick<EpochRecord, 'epoch' | 'genotype' | 'metrics' | 'probes'>

/** The summary of a run, from its files. @throws BenchError as the methods of `RunFolder` */
export function summarise(run: RunFolder): RunSummary {
  const [manifest, result, failure] = [run.manifest(), run.result(), run.failure()]
  return { manifest, ...(result && { result: withImprovements(result) }), ...(failure && { failure }) }
}

function withImprovements(result: ResultRecord): ReportedResult {
  const { oracle } = result
  return oracle === undefined ? result : { ...result, oracle: { ...oracle, queries: improvements(oracle.queries) } }
}

/** An epoch without what no report reads. */
export const reportedEpoch = ({ epoch, genotype, metrics, probes }: EpochRecord): ReportedEpoch => ({
  epoch,
  genotype,
  metrics,
  ...(probes && { probes }),
})

/**
 * How a black-box search's answer got better: the first answer, and every one that is better than all before it. Of
 * answers after trainings of several lengths only the longest count: accuracies of others are not comparable with them.
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
