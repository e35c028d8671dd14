/**
 * Makes the table that compares one chosen search with every other search: difference, interval, effect size and
 * p-value.
 */
import { holm, wilcoxon } from '../../analysis/statistics/paired.ts'
import { decimalDifferences } from '../../analysis/statistics/ranks.ts'
import { summarise, tInterval } from '../../analysis/statistics/summary.ts'
import { BenchError } from '../../core/errors.ts'
import { unknownName } from '../../core/names.ts'
import { absent, count, number, type Tabular, word } from '../formats/tabular.ts'
import { blocksOf, type Comparison, FEWEST_BLOCKS, type Row, searchesOf } from './comparison.ts'

/**
 * Returns a table of the differences between the chosen search and every other search. Accuracies of equal seeds are
 * compared, one column of test accuracies after the other.
 * @param name label of the chosen search; the name of its algorithm suffices if the comparison has one search by that
 * algorithm
 * @param references names of the algorithms that answer with a fixed architecture; they are left out
 * @throws BenchError `unknown-name`; `missing` if the search has no seed in common with another
 */
export function againstTable(comparison: Comparison, references: ReadonlySet<string>, name: string): Tabular {
  const searches = searchesOf(comparison, references)
  const own = chosen(searches, name)
  const others = searches.filter((row) => row !== own)
  const columns = comparison.columns.flatMap(({ split, title }, i) => (split === 'test' ? [{ title, i }] : []))
  const rows = columns.flatMap(({ title, i }) => {
    const pairs = others.flatMap((other) => pairOf(own, other, i) ?? [])
    const corrected = holm(pairs.flatMap(({ p }) => p ?? []))
    let next = 0
    return pairs.map(({ other, differences, p }) => {
      const { mean, std } = summarise(differences)
      const interval = tInterval(differences)
      return [
        word(title),
        word(other),
        count(differences.length),
        number(mean, 2),
        interval ? word(`[${interval.low.toFixed(2)}, ${interval.high.toFixed(2)}]`) : absent,
        // The standard deviation of equal differences can be a rounding error instead of 0.
        std && differences.some((each) => each !== differences[0]) ? number(mean / std, 2) : absent,
        p === undefined ? absent : ({ kind: 'number', value: corrected[next++], digits: 3, positive: true } as const),
      ]
    })
  })
  if (rows.length === 0) {
    throw new BenchError('missing', `${name} has no finished seed in common with another search`)
  }
  const titles = ['Column', 'Other', 'Seeds', 'Difference (points)', '95 % interval', 'Effect size d', 'Wilcoxon p']
  const keys = ['column', 'other', 'seeds', 'difference', 'interval', 'effectSize', 'wilcoxonP']
  return {
    columns: titles.map((title, i) => ({ title, key: keys[i] })),
    rows,
    notes: [
      `${own.method.label} minus the other search, paired by seed over the seeds that both finished; 95 % t interval of the mean difference; effect size d: mean difference over its standard deviation (Cohen's d of paired samples).`,
      `Two-sided p-values, corrected by Holm over the searches of a column; none from fewer than ${FEWEST_BLOCKS} seeds.`,
    ],
  }
}

function chosen(searches: readonly Row[], name: string): Row {
  const exact = searches.find(({ method }) => method.label === name)
  const variants = searches.filter(({ method }) => method.algorithm === name)
  const row = exact ?? (variants.length === 1 ? variants[0] : undefined)
  if (row !== undefined) return row
  throw unknownName(
    'search among these runs',
    name,
    searches.map(({ method }) => method.label),
  )
}

function pairOf(own: Row, other: Row, column: number) {
  const { rows, scores } = blocksOf([own, other], column)
  if (rows.length < 2 || scores.length === 0) return undefined
  const [a, b] = [0, 1].map((side) => scores.map((block) => block[side]))
  const p = scores.length >= FEWEST_BLOCKS ? wilcoxon(a, b).twoSided : undefined
  return { other: other.method.label, differences: decimalDifferences(a, b), p }
}
