/**
 * Rank correlations of large samples, in O(n log n), with bootstrap intervals: Spearman's ρ and Kendall's τ_b. Values
 * that agree to twelve digits count as ties, as in `ranks.ts`.
 */
import { quantile } from 'simple-statistics'
import type { RandomStream } from '../../core/random.ts'
import { decimal } from './ranks.ts'
import type { Interval } from './summary.ts'

/** Rank correlations of two samples; undefined if a sample is constant. */
export interface RankCorrelations {
  readonly spearman: number | undefined
  readonly kendall: number | undefined
}

/**
 * Rank correlations of two samples with their percentile bootstrap intervals (resampling pairs); an interval is
 * undefined if its correlation is.
 */
export interface RankCorrelationIntervals extends RankCorrelations {
  readonly n: number
  readonly spearmanInterval: Interval | undefined
  readonly kendallInterval: Interval | undefined
}

/** A sample in which each value is replaced by its position among the distinct values, 0 for the smallest. */
interface DenseRanks {
  readonly ranks: Int32Array
  readonly distinct: number
}

/** Returns Spearman's ρ and Kendall's τ_b of two samples. */
export function rankCorrelations(x: readonly number[], y: readonly number[]): RankCorrelations {
  return correlate(denseRanks(x), denseRanks(y), identity(x.length))
}

/** Returns Spearman's ρ of two samples: Pearson's r of their mid-ranks. Undefined if a sample is constant. */
export const spearman = (x: readonly number[], y: readonly number[]) => rankCorrelations(x, y).spearman

/** Returns Kendall's τ_b of two samples. Undefined if a sample is constant. */
export const kendall = (x: readonly number[], y: readonly number[]) => rankCorrelations(x, y).kendall

/**
 * Returns both rank correlations with percentile bootstrap intervals: quantiles of the correlations of resampled pairs.
 * @param draws number of resamples
 * @param level coverage of the intervals, 0 … 1
 */
export function rankCorrelationIntervals(
  x: readonly number[],
  y: readonly number[],
  stream: RandomStream,
  { draws = 1000, level = 0.95 } = {},
): RankCorrelationIntervals {
  const [first, second] = [denseRanks(x), denseRanks(y)]
  const n = x.length
  const centre = correlate(first, second, identity(n))
  const spearmans: number[] = []
  const kendalls: number[] = []
  const chosen = new Int32Array(n)
  for (let draw = 0; draw < draws && centre.spearman !== undefined; draw++) {
    for (let i = 0; i < n; i++) chosen[i] = stream.integer(n)
    const { spearman, kendall } = correlate(first, second, chosen)
    if (spearman !== undefined) spearmans.push(spearman)
    if (kendall !== undefined) kendalls.push(kendall)
  }
  return {
    n,
    ...centre,
    spearmanInterval: percentiles(spearmans, level),
    kendallInterval: percentiles(kendalls, level),
  }
}

function percentiles(values: readonly number[], level: number): Interval | undefined {
  if (values.length < 2) return undefined
  const [low, high] = quantile([...values], [(1 - level) / 2, (1 + level) / 2])
  return { low, high }
}

const identity = (n: number): Int32Array => Int32Array.from({ length: n }, (_, i) => i)

function denseRanks(values: readonly number[]): DenseRanks {
  const rounded = values.map(decimal)
  const sorted = [...new Set(rounded)].sort((a, b) => a - b)
  const position = new Map(sorted.map((value, rank) => [value, rank]))
  return { ranks: Int32Array.from(rounded, (value) => position.get(value) as number), distinct: sorted.length }
}

/** Returns the rank correlations of the pairs (x, y) at the given positions. */
function correlate(x: DenseRanks, y: DenseRanks, chosen: Int32Array): RankCorrelations {
  const n = chosen.length
  const [countX, countY] = [countsOf(x, chosen), countsOf(y, chosen)]
  if (isConstant(countX, n) || isConstant(countY, n)) return { spearman: undefined, kendall: undefined }
  return { spearman: spearmanOf(x, y, countX, countY, chosen), kendall: kendallOf(x, y, countX, countY, chosen) }
}

function countsOf({ ranks, distinct }: DenseRanks, chosen: Int32Array): Int32Array {
  const counts = new Int32Array(distinct)
  for (const i of chosen) counts[ranks[i]]++
  return counts
}

const isConstant = (counts: Int32Array, n: number): boolean => n === 0 || counts.includes(n)

/** Returns Pearson's r of the mid-ranks. */
function spearmanOf(x: DenseRanks, y: DenseRanks, countX: Int32Array, countY: Int32Array, chosen: Int32Array): number {
  const [rankX, rankY] = [midRanksOf(countX), midRanksOf(countY)]
  let [product, squaresX, squaresY] = [0, 0, 0]
  const mean = (chosen.length - 1) / 2
  for (const i of chosen) {
    const [a, b] = [rankX[x.ranks[i]] - mean, rankY[y.ranks[i]] - mean]
    product += a * b
    squaresX += a * a
    squaresY += b * b
  }
  return product / Math.sqrt(squaresX * squaresY)
}

/**
 * Returns the mid-rank, counted from 0, of each distinct value. @param counts how often each value occurs, smallest
 * first
 */
function midRanksOf(counts: Int32Array): Float64Array {
  let below = 0
  return Float64Array.from(counts, (count) => {
    const rank = below + (count - 1) / 2
    below += count
    return rank
  })
}

/**
 * Returns τ_b = (C − D) / √((n₀ − n₁)(n₀ − n₂)), with C concordant and D discordant of n₀ pairs, n₁ and n₂ of them tied
 * in x and in y. Values are visited in the order of x; a Fenwick tree over y counts how many visited values have a
 * smaller and a larger y.
 */
function kendallOf(x: DenseRanks, y: DenseRanks, countX: Int32Array, countY: Int32Array, chosen: Int32Array): number {
  const n = chosen.length
  const order = new Int32Array(n)
  const starts = new Int32Array(countX.length)
  for (let rank = 1; rank < starts.length; rank++) starts[rank] = starts[rank - 1] + countX[rank - 1]
  for (const i of chosen) order[starts[x.ranks[i]]++] = i
  const tree = new Int32Array(y.distinct + 1)
  const seenUpTo = (rank: number) => {
    let sum = 0
    for (let at = rank + 1; at > 0; at -= at & -at) sum += tree[at]
    return sum
  }
  let [balance, seen] = [0, 0]
  for (let from = 0; from < n; ) {
    const to = starts[x.ranks[order[from]]]
    for (let i = from; i < to; i++) {
      const rank = y.ranks[order[i]]
      const upTo = seenUpTo(rank)
      const below = rank === 0 ? 0 : seenUpTo(rank - 1)
      balance += below - (seen - upTo)
    }
    for (let i = from; i < to; i++) {
      for (let at = y.ranks[order[i]] + 1; at <= y.distinct; at += at & -at) tree[at]++
    }
    seen += to - from
    from = to
  }
  const pairs = (count: number) => (count * (count - 1)) / 2
  const tied = (counts: Int32Array) => counts.reduce((sum, count) => sum + pairs(count), 0)
  return balance / Math.sqrt((pairs(n) - tied(countX)) * (pairs(n) - tied(countY)))
}
