/**
 * The relative improvement of each search over a random baseline in the same space under the same protocol (Yang,
 * Esperança and Carlucci, ICLR 2020): 100 · (accuracy − baseline) / baseline. Their baseline is the mean accuracy of
 * randomly sampled architectures, which is weaker than random search, the best of many sampled architectures.
 */
import { summarise } from '../../analysis/statistics/summary.ts'
import { formatQualifier, parseQualifier } from '../../core/metric.ts'
import { pluralize } from '../../core/plainText.ts'
import { tableIdentity } from '../../runner/plan/lookup.ts'
import { listTables, openTable } from '../../tables/openTable.ts'
import { type Column, compare, type Row, searchesOf, valuesOf } from '../comparison/comparison.ts'
import { searchesAmong } from '../comparison/retrainedRuns.ts'
import { absent, type Cell, type Tabular, word } from '../formats/tabular.ts'
import { isRandomSampling, isRandomSearch } from '../randomMethods.ts'
import type { RunRecord } from '../runRecord.ts'

/**
 * Mean test accuracy of all architectures of a lookup table: the expected accuracy of a uniformly sampled architecture.
 * The settings of a report state it, so that the report can be recomputed without the table.
 */
export interface TableMean {
  readonly table: string
  readonly sha256: string
  /** Name of the accuracy: dataset/split/epochs/seed. */
  readonly qualifier: string
  readonly architectures: number
  readonly accuracyPct: number
}

/**
 * Returns the mean of each test accuracy that the runs report, over all architectures of their lookup table. Tables that
 * are not installed, or that lack an architecture, have none.
 */
export async function tableMeans(runs: readonly RunRecord[]): Promise<readonly TableMean[]> {
  const installed = await listTables()
  const jobs = runs.map(({ manifest }) => manifest.job)
  const used = new Map(
    jobs.flatMap(({ table }) => (table && installed.includes(table.name) ? [[table.name, table]] : [])),
  )
  const means: TableMean[] = []
  for (const [name, { sha256 }] of used) {
    const table = await openTable(name)
    const { rows, architectures } = table.manifest
    if (tableIdentity(table.manifest).sha256 !== sha256 || rows !== architectures) continue
    const known = new Set(table.qualifiers.map(formatQualifier))
    const tests = jobs
      .filter((job) => job.table?.sha256 === sha256)
      .flatMap(({ protocol }) => Object.values(protocol.headline).flatMap((entries) => entries.map(({ test }) => test)))
    for (const qualifier of new Set(tests.filter((test) => known.has(test)))) {
      const column = table.accuracy(parseQualifier(qualifier))
      const values = Array.from({ length: rows }, (_, row) => column.at(row))
      const present = values.filter((value) => value !== undefined)
      if (present.length < rows) continue
      means.push({ table: name, sha256, qualifier, architectures, accuracyPct: summarise(present).mean })
    }
  }
  return means
}

/** A baseline: what it is, in words, and its accuracy in % in each column of a comparison. */
interface Baseline {
  readonly words: string
  /** The search whose runs are the baseline; absent if no run is. */
  readonly row?: Row
  accuracyPct(column: Column, index: number): number | undefined
}

/**
 * Returns the table of relative improvements in each test accuracy: mean ± standard deviation over the seeds, relative
 * to the mean of randomly sampled architectures: those of the runs of `random` with `evaluations=1`, else those of the
 * lookup table; if neither is known, to the mean of random search. Undefined if there is none of them, or no looked-up
 * accuracies.
 * @param means the means of the lookup table, if they are known
 */
export function improvementTable(
  runs: readonly RunRecord[],
  references: ReadonlySet<string>,
  means: readonly TableMean[] = [],
): Tabular | undefined {
  const searched = searchesAmong(runs)
  if (searched.length === 0) return undefined
  const comparison = compare(searched, { mix: true })
  const searches = searchesOf(comparison, references)
  const tests = comparison.columns.flatMap((column, i) => (column.split === 'test' ? [{ column, i }] : []))
  const baseline = baselineOf(searches, tests, means)
  if (baseline === undefined) return undefined
  const others = searches.filter((row) => row !== baseline.row)
  return {
    columns: [{ title: 'Method', key: 'method' }, ...tests.map(({ column: { title } }) => ({ title, key: title }))],
    rows: others.map((row) => [
      word(row.method.label),
      ...tests.map(({ column, i }) => improvement(valuesOf(row.cells[i]), baseline.accuracyPct(column, i))),
    ]),
    notes: [`Relative improvement in % over ${baseline.words}: mean ± sample standard deviation over the seeds.`],
  }
}

function baselineOf(
  searches: readonly Row[],
  tests: readonly { readonly column: Column; readonly i: number }[],
  means: readonly TableMean[],
): Baseline | undefined {
  if (tests.length === 0) return undefined
  const finished = searches.filter((row) => row.finished > 0)
  const single = finished.find(({ method }) => isRandomSampling(method))
  if (single !== undefined) {
    return rowBaseline(
      single,
      `randomly sampled architectures (${single.method.label}, one for each of ${pluralize(single.seeds, 'seed')})`,
    )
  }
  const meanOf = ({ qualifiers }: Column) => {
    const found = means.filter(({ qualifier }) => qualifiers.includes(qualifier))
    return found.length === 1 && qualifiers.length === 1 ? found[0] : undefined
  }
  const known = tests.map(({ column }) => meanOf(column))
  const [first] = known
  if (first !== undefined && !known.includes(undefined)) {
    const words = `the mean of all ${first.architectures} architectures of the table ${first.table}, which is what a randomly sampled architecture is expected to have`
    return { words, accuracyPct: (column) => meanOf(column)?.accuracyPct }
  }
  // Of several variants of random search the one with the most seeds; of equal ones the first.
  const random = finished.filter(({ method }) => isRandomSearch(method))
  const [search, ...rest] = random.toSorted((a, b) => b.seeds - a.seeds)
  if (search === undefined) return undefined
  const { budgetSeconds } = search.method.runs[0].manifest.job
  const budget = budgetSeconds === undefined ? 'no budget' : `budget ${budgetSeconds} simulated seconds`
  const others = rest.length > 0 ? `; not over ${rest.map(({ method }) => method.label).join(', ')}` : ''
  const words = `random search (${search.method.label}, ${budget}${others}), a stronger baseline than the randomly sampled architectures with which papers compare`
  return rowBaseline(search, words)
}

const rowBaseline = (row: Row, words: string): Baseline => ({
  words,
  row,
  accuracyPct: (_, i) => {
    const values = valuesOf(row.cells[i])
    return values.length === 0 ? undefined : summarise(values).mean
  },
})

function improvement(values: readonly number[], baseline: number | undefined): Cell {
  if (values.length === 0 || baseline === undefined) return absent
  const { mean, std, n } = summarise(values.map((value) => (100 * (value - baseline)) / baseline))
  return { kind: 'statistic', mean, ...(std !== undefined && { std }), n, digits: 2 }
}
