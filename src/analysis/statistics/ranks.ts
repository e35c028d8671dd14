/** Ranks of values with ties, and rank correlations. Values that are equal to twelve digits count as ties. */
import { sampleCorrelation } from 'simple-statistics'

/** Returns the rank of each value, 1 for the smallest. Tied values get the mean of their ranks. */
export function midRanks(values: readonly number[]): number[] {
  const sorted = Float64Array.from(values).sort()
  const first = new Map<number, number>()
  const last = new Map<number, number>()
  sorted.forEach((value, position) => {
    if (!first.has(value)) first.set(value, position)
    last.set(value, position)
  })
  return values.map((value) => ((first.get(value) ?? Number.NaN) + (last.get(value) ?? Number.NaN)) / 2 + 1)
}

/**
 * Returns the rank of each score in a block, 1 for the largest. Scores that are equal to twelve digits tie (see
 * `decimal`).
 */
export const blockRanks = (scores: readonly number[]): number[] => midRanks(scores.map((score) => -decimal(score)))

/**
 * Returns the mean rank of each method over blocks, 1 for the best.
 * @param scores [block][method], larger is better
 */
export function averageRanks(scores: readonly (readonly number[])[]): number[] {
  const ranks = scores.map(blockRanks)
  return ranks[0].map((_, method) => ranks.reduce((sum, block) => sum + block[method], 0) / ranks.length)
}

const SIGNIFICANT_DIGITS = 12

/**
 * Rounds a value to twelve significant digits. Equal numbers then tie even if their last bits differ, as those of two
 * means of the same accuracies summed in different orders may.
 */
export const decimal = (value: number): number => Number(value.toPrecision(SIGNIFICANT_DIGITS))

/**
 * Returns the differences x − y of pairs, rounded to twelve digits of the largest value in either sample. So 91.53 −
 * 91.2 equals 90.66 − 90.33, although the two differ in binary.
 */
export function decimalDifferences(x: readonly number[], y: readonly number[]): number[] {
  const largest = [x, y].reduce((most, values) => values.reduce((high, v) => Math.max(high, Math.abs(v)), most), 0)
  if (!(largest > 0)) return x.map((value, i) => value - y[i])
  const step = 10 ** (Math.floor(Math.log10(largest)) + 1 - SIGNIFICANT_DIGITS)
  return x.map((value, i) => decimal(Math.round((value - y[i]) / step) * step))
}

/** Returns Spearman's ρ of two samples: Pearson's r of their mid-ranks. Undefined if a sample is constant. */
export function spearman(x: readonly number[], y: readonly number[]): number | undefined {
  const [first, second] = [x.map(decimal), y.map(decimal)]
  if (isConstant(first) || isConstant(second)) return undefined
  return sampleCorrelation(midRanks(first), midRanks(second))
}

/**
 * Returns Kendall's τ_b = (C − D) / √((n₀ − n₁)(n₀ − n₂)): of n₀ pairs, C are concordant, D discordant, n₁ tied in x
 * and n₂ tied in y. Undefined if a sample is constant.
 */
export function kendall(x: readonly number[], y: readonly number[]): number | undefined {
  const [first, second] = [x.map(decimal), y.map(decimal)]
  if (isConstant(first) || isConstant(second)) return undefined
  let [balance, untiedX, untiedY] = [0, 0, 0]
  for (let i = 0; i < x.length; i++) {
    for (let j = 0; j < i; j++) {
      const [dx, dy] = [Math.sign(first[i] - first[j]), Math.sign(second[i] - second[j])]
      balance += dx * dy
      untiedX += dx * dx
      untiedY += dy * dy
    }
  }
  return balance / Math.sqrt(untiedX * untiedY)
}

const isConstant = (values: readonly number[]) => values.every((value) => value === values[0])
