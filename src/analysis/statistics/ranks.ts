/** Ranks with ties. */

/** Rank of each value, 1 for the smallest; equal values share the mean of the ranks that they occupy. */
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

/** Rank of each score in a block, 1 for the largest. Scores that are one decimal number tie, see `decimal`. */
export const blockRanks = (scores: readonly number[]): number[] => midRanks(scores.map((score) => -decimal(score)))

/**
 * Mean rank of each method over blocks, 1 for the best.
 * @param scores [block][method], larger is better
 */
export function averageRanks(scores: readonly (readonly number[])[]): number[] {
  const ranks = scores.map(blockRanks)
  return ranks[0].map((_, method) => ranks.reduce((sum, block) => sum + block[method], 0) / ranks.length)
}

const SIGNIFICANT_DIGITS = 12

/**
 * The value to twelve significant digits. Numbers that are equal on paper, such as the mean of the same accuracies in
 * another order, may differ in the last bits; compared as decimals they tie.
 */
export const decimal = (value: number): number => Number(value.toPrecision(SIGNIFICANT_DIGITS))

/**
 * x − y, pair by pair, on one decimal grid: twelve digits of the largest number of either sample. 91.53 − 91.2 and
 * 90.66 − 90.33 are one difference there, and in binary two.
 */
export function decimalDifferences(x: readonly number[], y: readonly number[]): number[] {
  const largest = [x, y].reduce((most, values) => values.reduce((high, v) => Math.max(high, Math.abs(v)), most), 0)
  if (!(largest > 0)) return x.map((value, i) => value - y[i])
  const step = 10 ** (Math.floor(Math.log10(largest)) + 1 - SIGNIFICANT_DIGITS)
  return x.map((value, i) => decimal(Math.round((value - y[i]) / step) * step))
}
