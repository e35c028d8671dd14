/** The rows of a lookup table that runs used, as CSV: what is checked where the whole table is not at hand. */
import { formatQualifier, type Metric } from '../../core/metric.ts'
import { oneLine } from '../../core/plainText.ts'
import type { Job } from '../../core/result.ts'
import { csvField } from '../formats/csv.ts'
import type { RunRecord } from '../runRecord.ts'

const HEAD = 'table,sha256,architecture,qualifier,accuracyPct'

/** One line a table, architecture and qualifier, sorted; numbers with all their digits. */
export function lookupsCsv(runs: readonly RunRecord[]): string {
  const lines = runs.flatMap(({ manifest: { job }, epochs, result }) => {
    const line = (genotype: string, metric: Metric) =>
      `${architectureKey(job.table, genotype)},${formatQualifier(metric)},${metric.accuracyPct}`
    return [...epochs, ...(result ? [result] : [])].flatMap(({ genotype, metrics }) =>
      metrics.map((metric) => line(genotype, metric)),
    )
  })
  return [HEAD, ...[...new Set(lines)].sort(), ''].join('\n')
}

/** The first three columns: table, its content, architecture. */
export const architectureKey = (table: Job['table'], genotype: string): string =>
  `${table === undefined ? 'none,none' : `${table.name},${table.sha256}`},${csvField(oneLine(genotype))}`
