/** Ranks with ties. */

/** Rank of each value, 1 for the smallest; equal values share the mean of the ranks that they occupy. */
export function midRanks(values: readonly number[]): number[] {
  const below = (value: number) => values.filter((other) => other < value).length
  const equal = (value: number) => values.filter((other) => other === value).length
  return values.map((value) => below(value) + (equal(value) + 1) / 2)
}

/**
 * Mean rank of each method over blocks (datasets × seeds), 1 for the best.
 * @param scores [block][method], larger is better
 */
export function averageRanks(scores: readonly (readonly number[])[]): number[] {
  const ranks = scores.map((block) => midRanks(block.map((score) => -score)))
  return ranks[0].map((_, method) => ranks.reduce((sum, block) => sum + block[method], 0) / ranks.length)
}
