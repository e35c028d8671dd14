/** Rank correlations with ties. */
import { sampleCorrelation } from 'simple-statistics'
import { midRanks } from './ranks.ts'

/** Pearson's r of the mid-ranks; undefined where a sample is constant. */
export function spearman(x: readonly number[], y: readonly number[]): number | undefined {
  if (isConstant(x) || isConstant(y)) return undefined
  return sampleCorrelation(midRanks(x), midRanks(y))
}

/** τ_b = (C − D) / √((n₀ − n₁)(n₀ − n₂)): concordant minus discordant pairs, n₁ and n₂ the pairs tied in x and y. */
export function kendall(x: readonly number[], y: readonly number[]): number | undefined {
  if (isConstant(x) || isConstant(y)) return undefined
  let [balance, untiedX, untiedY] = [0, 0, 0]
  for (let i = 0; i < x.length; i++) {
    for (let j = 0; j < i; j++) {
      const [dx, dy] = [Math.sign(x[i] - x[j]), Math.sign(y[i] - y[j])]
      balance += dx * dy
      untiedX += dx * dx
      untiedY += dy * dy
    }
  }
  return balance / Math.sqrt(untiedX * untiedY)
}

const isConstant = (values: readonly number[]) => values.every((value) => value === values[0])
