/** Rank correlations of two samples. Values that are equal to twelve digits count as ties (see `decimal`). */
import { sampleCorrelation } from 'simple-statistics'
import { decimal, midRanks } from './ranks.ts'

/** Returns Spearman's ρ: Pearson's r of the mid-ranks. Undefined if a sample is constant. */
export function spearman(x: readonly number[], y: readonly number[]): number | undefined {
  const [first, second] = [x.map(decimal), y.map(decimal)]
  if (isConstant(first) || isConstant(second)) return undefined
  return sampleCorrelation(midRanks(first), midRanks(second))
}

/**
 * Returns Kendall's τ_b = (C − D) / √((n₀ − n₁)(n₀ − n₂)): concordant minus discordant pairs, n₁ and n₂ the pairs tied
 * in x and y.
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
