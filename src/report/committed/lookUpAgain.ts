/** The final architectures of runs, looked up once more where their table is on this machine. */
import { formatQualifier, type Metric } from '../../core/metric.ts'
import { tableIdentity } from '../../runner/plan/lookup.ts'
import { listTables, openTable } from '../../tables/openTable.ts'
import type { Table } from '../../tables/table.ts'
import type { ReportedResult, RunRecord } from '../runRecord.ts'
import type { Difference } from './difference.ts'

export interface LookedUpAgain {
  /** How many different ones. */
  readonly architectures: number
  readonly differences: readonly Difference[]
}

/** Undefined where no run's table is here with the same content. */
export async function lookUpAgain(runs: readonly RunRecord[]): Promise<LookedUpAgain | undefined> {
  const tables = await tablesHere(runs)
  const known = runs.flatMap(({ manifest: { job }, result }) => {
    const table = tables.get(job.table?.name ?? '')
    const same = table !== undefined && tableIdentity(table.manifest).sha256 === job.table?.sha256
    const index = same && result ? table.find(result.genotype) : undefined
    return same && result && index !== undefined ? [{ result, metrics: table.metrics(index) }] : []
  })
  if (known.length === 0) return undefined
  return {
    architectures: new Set(known.map(({ result }) => result.genotype)).size,
    differences: known.flatMap(({ result, metrics }) => differencesOf(result, metrics)),
  }
}

/** By name. */
async function tablesHere(runs: readonly RunRecord[]): Promise<ReadonlyMap<string, Table>> {
  const wanted = new Set(runs.flatMap(({ manifest }) => manifest.job.table?.name ?? []))
  const names = (await listTables()).filter((name) => wanted.has(name))
  return new Map(await Promise.all(names.map(async (name) => [name, await openTable(name)] as const)))
}

function differencesOf({ id, metrics: recorded }: ReportedResult, metrics: readonly Metric[]): readonly Difference[] {
  const now = new Map(metrics.map((metric) => [formatQualifier(metric), metric.accuracyPct]))
  const lines = recorded.flatMap((metric) => {
    const qualifier = formatQualifier(metric)
    return now.get(qualifier) === metric.accuracyPct
      ? []
      : [`- ${qualifier} ${metric.accuracyPct}`, `+ ${qualifier} ${now.get(qualifier) ?? 'missing'}`]
  })
  return lines.length === 0 ? [] : [{ file: `runs/${id}/result.json`, lines }]
}
