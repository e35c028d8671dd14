/** Every search against the best one, on the seeds that both finished. */
import { holm, pairedPermutation, wilcoxon } from '../../analysis/statistics/paired.ts'
import { summarise } from '../../analysis/statistics/summary.ts'
import { random } from '../../core/random.ts'
import { count, number, type Cell as TableCell, type Tabular, word } from '../formats/tabular.ts'
import { type Cell, type Comparison, type Row, searchesOf, valuesOf } from './comparison.ts'

interface Pair {
  readonly column: string
  readonly best: string
  readonly other: string
  readonly seeds: number
  /** Mean difference, in percentage points. */
  readonly difference: number
  readonly wilcoxonP: number
  readonly permutationP: number
}

/**
 * Test columns only. p-values are two-sided, corrected by Holm over the pairs of a column.
 * @param references see `searchesOf`
 * @returns undefined where no two searches finished a seed in common
 */
export function pairwiseTable(comparison: Comparison, references?: ReadonlySet<string>): Tabular | undefined {
  const searches = searchesOf(comparison, references)
  const pairs = comparison.columns.flatMap((column, i) =>
    column.split === 'test' ? corrected(pairsOf(searches, i, column.title)) : [],
  )
  if (pairs.length === 0) return undefined
  const titles = ['Column', 'Best', 'Other', 'Seeds', 'Difference (points)', 'Wilcoxon p', 'Permutation p']
  const keys = ['column', 'best', 'other', 'seeds', 'difference', 'wilcoxonP', 'permutationP'] as const
  return {
    columns: titles.map((title, i) => ({ title, key: keys[i] })),
    rows: pairs.map((pair) => keys.map((key) => cell(pair[key], key))),
    notes: [
      'Paired over common seeds; two-sided p-values, corrected by Holm over the methods of a column. Beyond 16 pairs 100,000 permutations are drawn; all else is exact.',
      ...(searches.length < comparison.rows.length ? ['Fixed architectures are left out.'] : []),
      'With n seeds no p-value can be below 2^(1-n): four seeds are never significant at 5 %.',
    ],
  }
}

function cell(value: string | number, key: string): TableCell {
  if (typeof value === 'string') return word(value)
  if (key === 'seeds') return count(value)
  return key === 'difference' ? number(value, 2) : { kind: 'number', value, digits: 3, positive: true }
}

function pairsOf(rows: readonly Row[], column: number, title: string): Pair[] {
  const known = rows.filter(({ cells }) => cells[column].bySeed.size > 0)
  const mean = ({ cells }: Row) => summarise(valuesOf(cells[column])).mean
  const best = known.toSorted((a, b) => mean(b) - mean(a))[0]
  return known
    .filter((row) => row !== best)
    .map((row) => ({
      ...compareCells(best.cells[column], row.cells[column]),
      column: title,
      best: best.method.label,
      other: row.method.label,
    }))
    .filter(({ seeds }) => seeds > 0)
}

function compareCells(best: Cell, other: Cell) {
  const seeds = [...best.bySeed.keys()].filter((seed) => other.bySeed.has(seed)).sort((a, b) => a - b)
  const values = ({ bySeed }: Cell) => seeds.map((seed) => bySeed.get(seed) as number)
  const [x, y] = [values(best), values(other)]
  return {
    seeds: seeds.length,
    difference: seeds.length === 0 ? Number.NaN : summarise(x.map((value, i) => value - y[i])).mean,
    wilcoxonP: wilcoxon(x, y).twoSided,
    permutationP: pairedPermutation(x, y, random(0, 'table', 'permutation')).twoSided,
  }
}

function corrected(pairs: readonly Pair[]): Pair[] {
  const [wilcoxonP, permutationP] = [
    holm(pairs.map((pair) => pair.wilcoxonP)),
    holm(pairs.map((pair) => pair.permutationP)),
  ]
  return pairs.map((pair, i) => ({ ...pair, wilcoxonP: wilcoxonP[i], permutationP: permutationP[i] }))
}
