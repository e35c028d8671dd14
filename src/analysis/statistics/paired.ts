/** Tests of paired differences: does one method beat another on the same seeds? */
import { sum } from 'simple-statistics'
import type { RandomStream } from '../../core/random.ts'
import { decimalDifferences, midRanks } from './ranks.ts'

/** Below this many pairs all sign patterns are enumerated, above they are drawn. */
const ENUMERATED_PAIRS = 16
const DRAWS = 100_000

export interface TestResult {
  readonly statistic: number
  /** min(1, 2·min(greater, less)) */
  readonly twoSided: number
  /** Small where the first sample is larger. */
  readonly greater: number
  readonly less: number
}

/**
 * Wilcoxon's signed-rank test (1945), exact: zeros are dropped, ties of |d| take mid-ranks, and the null distribution
 * runs over all sign patterns of these ranks. The statistic is W⁺, the sum of the ranks of positive differences.
 */
export function wilcoxon(x: readonly number[], y: readonly number[]): TestResult {
  const differences = decimalDifferences(x, y).filter((d) => d !== 0)
  const ranks = midRanks(differences.map(Math.abs))
  const observed = sum(ranks.filter((_, i) => differences[i] > 0))
  const chances = rankSumDistribution(ranks)
  const tail = (keep: (rankSum: number) => boolean) => sum([...chances.filter((_, doubled) => keep(doubled / 2))])
  return testResult(
    observed,
    tail((w) => w >= observed),
    tail((w) => w <= observed),
  )
}

/**
 * The paired permutation test (Fisher 1935) of the sum of differences: exact over all sign patterns up to 16 pairs,
 * beyond that over 100,000 drawn ones and the observed one. The statistic is the mean difference.
 */
export function pairedPermutation(x: readonly number[], y: readonly number[], stream: RandomStream): TestResult {
  const differences = decimalDifferences(x, y)
  const observed = sum(differences)
  const sums = differences.length <= ENUMERATED_PAIRS ? allSums(differences) : drawnSums(differences, stream)
  const slack = 1e-9 * sum(differences.map(Math.abs))
  const share = (keep: (total: number) => boolean) => sums.filter(keep).length / sums.length
  return testResult(
    observed / differences.length,
    share((total) => total >= observed - slack),
    share((total) => total <= observed + slack),
  )
}

/** Holm's step-down correction (1979): adjusted p-values in the order given. */
export function holm(pValues: readonly number[]): number[] {
  const order = pValues.map((_, i) => i).sort((a, b) => pValues[a] - pValues[b])
  const adjusted = [...pValues]
  order.reduce((largest, index, position) => {
    adjusted[index] = Math.max(largest, Math.min(1, (pValues.length - position) * pValues[index]))
    return adjusted[index]
  }, 0)
  return adjusted
}

function testResult(statistic: number, greater: number, less: number): TestResult {
  const [g, l] = [Math.min(1, greater), Math.min(1, less)]
  return { statistic, twoSided: Math.min(1, 2 * Math.min(g, l)), greater: g, less: l }
}

/** P(2·W⁺ = s) for s = 0, 1, …: each rank, doubled to be whole, enters the sum with probability 1/2. */
function rankSumDistribution(ranks: readonly number[]): Float64Array {
  const chances = new Float64Array(2 * sum([...ranks]) + 1)
  chances[0] = 1
  let largest = 0
  for (const rank of ranks) {
    const shift = 2 * rank
    largest += shift
    for (let s = largest; s >= 0; s--) chances[s] = (chances[s] + (s < shift ? 0 : chances[s - shift])) / 2
  }
  return chances
}

/** Σ ±d over all 2ⁿ sign patterns. */
function allSums(differences: readonly number[]): number[] {
  return differences.reduce((sums, d) => sums.flatMap((total) => [total + d, total - d]), [0])
}

function drawnSums(differences: readonly number[], stream: RandomStream): number[] {
  const different = differences.filter((d) => d !== 0)
  return [sum([...differences]), ...Array.from({ length: DRAWS }, () => drawnSum(different, stream))]
}

/** Σ ±d, the signs the bits of random words. */
function drawnSum(differences: readonly number[], stream: RandomStream): number {
  let total = 0
  let word = 0
  for (let i = 0; i < differences.length; i++) {
    word = i % 32 === 0 ? stream.uint32() : word >>> 1
    total += word & 1 ? differences[i] : -differences[i]
  }
  return total
}
