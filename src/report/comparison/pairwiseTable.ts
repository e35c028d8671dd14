/**
 * Makes the table of paired significance tests of the best search against every other, over the seeds that all searches
 * finished, and the matrix of tests between all searches.
 */
import { EXACT_WILCOXON_PAIRS, holm, pairedPermutations, wilcoxon } from '../../analysis/statistics/paired.ts'
import { summarise } from '../../analysis/statistics/summary.ts'
import { pluralize } from '../../core/plainText.ts'
import { random } from '../../core/random.ts'
import { absent, count, number, type Cell as TableCell, type Tabular, titled, word } from '../formats/tabular.ts'
import { type Blocks, blocksOf, type Comparison, FEWEST_BLOCKS, searchesOf } from './comparison.ts'

interface Pair {
  readonly column: string
  readonly best: string
  readonly other: string
  readonly seeds: number
  /** Mean accuracy of the best search minus that of the other search, in percentage points. */
  readonly difference: number
  /** Two-sided p-value of the Wilcoxon signed-rank test; absent if there are fewer seeds than `FEWEST_BLOCKS`. */
  readonly wilcoxonP?: number
  readonly permutationP?: number
}

/**
 * Returns the table of paired tests for the test columns of a comparison, with two-sided p-values corrected by Holm
 * over the pairs of a column. Undefined if in no column there are two searches and a seed that all its searches
 * finished, or if the runs follow different protocols, so that no search is the best.
 * @param references names of the algorithms that answer with a fixed architecture; their rows are left out
 */
export function pairwiseTable(comparison: Comparison, references?: ReadonlySet<string>): Tabular | undefined {
  if (comparison.mixed.length > 0) return undefined
  const searches = searchesOf(comparison, references)
  const columns = comparison.columns.flatMap(({ split, title }, i) =>
    split === 'test' ? [{ title, blocks: blocksOf(searches, i) }] : [],
  )
  const pairs = columns.flatMap(({ title, blocks }) => corrected(pairsOf(blocks, title)))
  if (pairs.length === 0) return undefined
  const titles = ['Column', 'Best', 'Other', 'Seeds', 'Difference (points)', 'Wilcoxon p', 'Permutation p']
  const keys = ['column', 'best', 'other', 'seeds', 'difference', 'wilcoxonP', 'permutationP'] as const
  const few = columns.filter(({ blocks: { seeds } }) => seeds.length > 0 && seeds.length < FEWEST_BLOCKS)
  const many = columns.some(({ blocks: { seeds } }) => seeds.length > EXACT_WILCOXON_PAIRS)
  const incomplete = columns.filter(({ blocks }) => blocks.incomplete > 0)
  const listed = (entries: typeof columns, of: (blocks: Blocks) => number) =>
    entries.map(({ title, blocks }) => `${title}: ${of(blocks)}`).join('; ')
  return {
    columns: titles.map((title, i) => ({ title, key: keys[i] })),
    rows: pairs.map((pair) => keys.map((key) => cell(pair[key], key))),
    notes: [
      'Paired by seed, over the seeds that all searches of a column finished; two-sided p-values, corrected by Holm over the methods of a column. Beyond 16 pairs 100,000 permutations are drawn; all else is exact.',
      ...(many
        ? [`Where more than ${EXACT_WILCOXON_PAIRS} pairs differ, Wilcoxon's p is that of the normal distribution.`]
        : []),
      ...(few.length > 0
        ? [`No p-value from fewer than ${FEWEST_BLOCKS} seeds (${listed(few, ({ seeds }) => seeds.length)}).`]
        : []),
      ...(incomplete.length > 0
        ? [
            `Seeds left out, since not all searches finished them: ${listed(incomplete, (blocks) => blocks.incomplete)}.`,
          ]
        : []),
      ...(searches.length < comparison.rows.length ? ['Fixed architectures are left out.'] : []),
      'With n seeds no p-value can be below 2^(1-n): four seeds are never significant at 5 %.',
    ],
  }
}

function cell(value: string | number | undefined, key: string): TableCell {
  if (value === undefined) return absent
  if (typeof value === 'string') return word(value)
  if (key === 'seeds') return count(value)
  return key === 'difference' ? number(value, 2) : { kind: 'number', value, digits: 3, positive: true }
}

function pairsOf({ rows, seeds, scores }: Blocks, column: string): Pair[] {
  if (seeds.length === 0) return []
  const samples = rows.map((row, i) => ({ label: row.method.label, values: scores.map((block) => block[i]) }))
  const mean = ({ values }: (typeof samples)[number]) => summarise(values).mean
  const best = samples.toSorted((a, b) => mean(b) - mean(a))[0]
  const others = samples.filter((sample) => sample !== best)
  const isTested = seeds.length >= FEWEST_BLOCKS
  const permutations = isTested
    ? pairedPermutations(
        others.map(({ values }) => [best.values, values]),
        random(0, 'table', 'permutation'),
      )
    : []
  return others.map(({ label, values }, at) => ({
    column,
    best: best.label,
    other: label,
    seeds: seeds.length,
    difference: summarise(values.map((value, i) => best.values[i] - value)).mean,
    ...(isTested && {
      wilcoxonP: wilcoxon(best.values, values).twoSided,
      permutationP: permutations[at].twoSided,
    }),
  }))
}

/**
 * Returns the tested pairs of one column with Holm-corrected p-values. Either all given pairs have p-values or none
 * has.
 */
function corrected(pairs: readonly Pair[]): Pair[] {
  const wilcoxonP = holm(pairs.flatMap((pair) => pair.wilcoxonP ?? []))
  const permutationP = holm(pairs.flatMap((pair) => pair.permutationP ?? []))
  return pairs.map((pair, i) => ({ ...pair, wilcoxonP: wilcoxonP[i], permutationP: permutationP[i] }))
}

/** Mean differences in one test accuracy between every two searches, as a matrix for a report's HTML page. */
export interface PairwiseMatrix {
  readonly title: string
  /** A sentence that sums up the paired tests: how many pairs of searches differ significantly. */
  readonly sentence: string
  readonly labels: readonly string[]
  /**
   * By [row][column]: mean accuracy of the row's search minus that of the column's, in percentage points, with its
   * corrected p-value.
   */
  readonly cells: readonly (readonly (MatrixCell | undefined)[])[]
}

export interface MatrixCell {
  readonly difference: number
  /** Two-sided Wilcoxon p-value, corrected by Holm over all pairs; absent for fewer seeds than `FEWEST_BLOCKS`. */
  readonly p?: number
}

/** Corrected p-values below this count as significant. */
export const LEVEL = 0.05

/**
 * Returns, for each test column in which at least two searches have common seeds, the matrix of paired differences
 * between all searches. The searches are ordered by their means, the best first. There is none if the runs follow
 * different protocols.
 * @param references names of the algorithms that answer with a fixed architecture; their rows are left out
 */
export function pairwiseMatrices(comparison: Comparison, references?: ReadonlySet<string>): readonly PairwiseMatrix[] {
  if (comparison.mixed.length > 0) return []
  const searches = searchesOf(comparison, references)
  return comparison.columns.flatMap(({ split, title }, i) => {
    const { rows, seeds, scores } = blocksOf(searches, i)
    if (split !== 'test' || rows.length < 2 || seeds.length === 0) return []
    const samples = rows
      .map((row, at) => ({ label: row.method.label, values: scores.map((block) => block[at]) }))
      .toSorted((a, b) => summarise(b.values).mean - summarise(a.values).mean)
    return [matrixOf(title, samples, seeds.length)]
  })
}

function matrixOf(
  title: string,
  samples: readonly { readonly label: string; readonly values: readonly number[] }[],
  seeds: number,
): PairwiseMatrix {
  const pairs = samples.flatMap((_, a) => samples.slice(a + 1).map((_, b) => [a, a + 1 + b] as const))
  const isTested = seeds >= FEWEST_BLOCKS
  const raw = isTested ? pairs.map(([a, b]) => wilcoxon(samples[a].values, samples[b].values).twoSided) : []
  const corrected = holm(raw)
  const byPair = new Map(pairs.map(([a, b], i) => [`${a} ${b}`, corrected[i]]))
  const cells = samples.map((own, a) =>
    samples.map((other, b) => {
      if (a === b) return undefined
      const p = byPair.get(a < b ? `${a} ${b}` : `${b} ${a}`)
      const difference = summarise(own.values.map((value, i) => value - other.values[i])).mean
      return { difference, ...(p !== undefined && { p }) }
    }),
  )
  const significant = corrected.filter((p) => p < LEVEL).length
  return {
    title,
    sentence: sentenceOf(seeds, pairs.length, significant),
    labels: samples.map(({ label }) => label),
    cells,
  }
}

/**
 * Returns a matrix as a table to copy: the differences row by row, and below them the p-values where the pairs were
 * tested.
 */
export function matrixTable({ title, sentence, labels, cells }: PairwiseMatrix): Tabular {
  const rowsOf = (quantity: string, cell: (entry: MatrixCell) => TableCell) =>
    cells.map((row, i) => [
      word(quantity),
      word(labels[i]),
      ...row.map((entry) => (entry === undefined ? absent : cell(entry))),
    ])
  const isTested = cells.some((row) => row.some((entry) => entry?.p !== undefined))
  return {
    columns: [...titled(['quantity', 'search']), ...labels.map((label) => ({ title: label, key: label }))],
    rows: [
      ...rowsOf('difference', ({ difference }) => number(difference, 2)),
      ...(isTested
        ? rowsOf('p', ({ p }) => (p === undefined ? absent : { kind: 'number', value: p, digits: 3, positive: true }))
        : []),
    ],
    notes: [`${title}: mean of the row's search minus that of the column's, in points. ${sentence}`],
  }
}

function sentenceOf(seeds: number, pairs: number, significant: number): string {
  const least = 2 ** (1 - seeds)
  const count = `${pluralize(seeds, 'seed')} that all searches finished`
  if (seeds < FEWEST_BLOCKS) return `${count}: too few for a p-value, which takes ${FEWEST_BLOCKS}.`
  if (least >= LEVEL) {
    return `With ${seeds} seeds no pair can be significant at 5 %: the smallest possible p-value is ${least}.`
  }
  if (least * pairs >= LEVEL && significant === 0) {
    return `With ${seeds} seeds and ${pairs} pairs no single pair can be significant at 5 % after Holm's correction.`
  }
  return `Of ${pluralize(pairs, 'pair')} ${significant} differ significantly at 5 % (Wilcoxon, ${count}, Holm over all pairs).`
}
