/** Ranks of values with ties. Values that agree to twelve digits count as ties. */
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
 * Rounds a value to twelve significant digits, so that values tie even if they differ in their last bits, as two means
 * of the same accuracies may that were summed in different orders.
 */
export const decimal = (value: number): number => Number(value.toPrecision(SIGNIFICANT_DIGITS))

/**
 * Returns the differences x − y of pairs, rounded to twelve digits of the largest value in either sample. So 91.53 −
 * 91.2 equals 90.66 − 90.33, although their binary results differ.
 */
export function decimalDifferences(x: readonly number[], y: readonly number[]): number[] {
  const largest = [x, y].reduce((most, values) => values.reduce((high, v) => Math.max(high, Math.abs(v)), most), 0)
  if (!(largest > 0)) return x.map((value, i) => value - y[i])
  const step = 10 ** (Math.floor(Math.log10(largest)) + 1 - SIGNIFICANT_DIGITS)
  return x.map((value, i) => decimal(Math.round((value - y[i]) / step) * step))
}
