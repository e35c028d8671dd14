/**
 * The relative improvement of each search over random search in the same space under the same protocol (Yang, Esperança
 * and Carlucci, ICLR 2020): 100 · (accuracy − accuracy of random search) / accuracy of random search.
 */
import { summarise } from '../../analysis/statistics/summary.ts'
import { compare, searchesOf, valuesOf } from '../comparison/comparison.ts'
import { searchesAmong } from '../comparison/retrainedRuns.ts'
import { absent, type Cell, type Tabular, word } from '../formats/tabular.ts'
import type { RunRecord } from '../runRecord.ts'

/** Name of the algorithm whose runs are the baseline of the improvement: random search. */
export const BASELINE = 'random'

/**
 * Returns the table of relative improvements in each test accuracy: mean ± standard deviation over the seeds, relative
 * to the mean of random search. Undefined if there are no runs of random search or no looked-up accuracies.
 */
export function improvementTable(runs: readonly RunRecord[], references: ReadonlySet<string>): Tabular | undefined {
  const searched = searchesAmong(runs)
  if (searched.length === 0) return undefined
  const comparison = compare(searched, { mix: true })
  const searches = searchesOf(comparison, references)
  const baseline = searches.find(({ method }) => method.algorithm === BASELINE)
  const tests = comparison.columns.flatMap((column, i) => (column.split === 'test' ? [{ ...column, i }] : []))
  if (baseline === undefined || tests.length === 0) return undefined
  const others = searches.filter((row) => row !== baseline)
  const budget = baseline.method.runs[0].manifest.job.budgetSeconds
  return {
    columns: [{ title: 'Method', key: 'method' }, ...tests.map(({ title }) => ({ title, key: title }))],
    rows: others.map((row) => [
      word(row.method.label),
      ...tests.map(({ i }) => improvement(valuesOf(row.cells[i]), valuesOf(baseline.cells[i]))),
    ]),
    notes: [
      `Relative improvement in % over ${baseline.method.label} (${budget === undefined ? 'no budget' : `budget ${budget} simulated seconds`}): mean ± sample standard deviation over the seeds.`,
    ],
  }
}

function improvement(values: readonly number[], baseline: readonly number[]): Cell {
  if (values.length === 0 || baseline.length === 0) return absent
  const { mean: reference } = summarise(baseline)
  const { mean, std, n } = summarise(values.map((value) => (100 * (value - reference)) / reference))
  return { kind: 'statistic', mean, ...(std !== undefined && { std }), n, digits: 2 }
}
