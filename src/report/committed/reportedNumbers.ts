/** Of all that is known of an architecture, the numbers that a comparison reports: only these leave the lookup table. */
import { formatQualifier, type Metric } from '../../core/metric.ts'
import type { Job } from '../../core/result.ts'
import type { WholeRun } from '../runRecord.ts'

/** The headline numbers of a job's dataset, validation before test, in the protocol's order. */
export const reportedQualifiers = ({ protocol, dataset }: Job): readonly string[] =>
  (protocol.headline[dataset.name] ?? []).flatMap(({ validation, test }) => [validation, test])

/**
 * A run without the looked-up numbers that are not reported: a report that is kept in a repository is evidence for its
 * own numbers, not a copy of the table. What was trained, not looked up, is kept whole.
 */
export function reportedOnly(run: WholeRun): WholeRun {
  const { manifest, epochs, result } = run
  if (manifest.job.table === undefined) return run
  const reported = new Set(reportedQualifiers(manifest.job))
  const kept = (metrics: readonly Metric[]) => metrics.filter((metric) => reported.has(formatQualifier(metric)))
  return {
    ...run,
    epochs: epochs.map((epoch) => ({ ...epoch, metrics: kept(epoch.metrics) })),
    ...(result && { result: { ...result, metrics: kept(result.metrics) } }),
  }
}
