/**
 * Compares several methods over several blocks (for example seeds): Friedman's test and Nemenyi's critical difference
 * (Demšar, JMLR 2006, §3.2.2).
 */
import { errorFunction } from 'simple-statistics'
import { chiSquareSurvival } from './distributions.ts'
import { averageRanks, blockRanks } from './ranks.ts'

export interface FriedmanResult {
  /** Mean rank of each method over the blocks; rank 1 is the best. */
  readonly ranks: readonly number[]
  /**
   * Friedman's statistic for N blocks and k methods with mean ranks R_j: χ²_F = 12N / (k(k+1)) · Σ (R_j − (k+1)/2)² /
   * c, with k − 1 degrees of freedom. The correction for ties is c = 1 − Σ (t³ − t) / (N·k(k² − 1)) over all groups of
   * t equal values in a block. 0 if all methods tie in every block.
   */
  readonly statistic: number
  readonly p: number
  /** Nemenyi's critical difference: two methods differ at level alpha if their mean ranks differ by more than this. */
  readonly criticalDifference: number
}

/** Runs Friedman's test. @param scores [block][method], larger is better; at least two methods */
export function friedman(scores: readonly (readonly number[])[], alpha = 0.05): FriedmanResult {
  const ranks = averageRanks(scores)
  const [blocks, methods] = [scores.length, ranks.length]
  const centre = (methods + 1) / 2
  const spread = ranks.reduce((sum, rank) => sum + (rank - centre) ** 2, 0)
  // In a block Σ (rank − centre)² = (k(k² − 1) − Σ (t³ − t)) / 12, so that the sum over all blocks is N·k(k² − 1)/12 ·
  // c.
  const withinBlocks = scores.flatMap(blockRanks).reduce((sum, rank) => sum + (rank - centre) ** 2, 0)
  const statistic = withinBlocks === 0 ? 0 : (blocks ** 2 * (methods - 1) * spread) / withinBlocks
  const criticalDifference = nemenyi(methods, alpha) * Math.sqrt((methods * (methods + 1)) / (6 * blocks))
  return { ranks, statistic, p: chiSquareSurvival(statistic, methods - 1), criticalDifference }
}

/** Returns Nemenyi's q_α: the (1 − α)-quantile of the range of k standard normal variables, divided by √2. */
export function nemenyi(methods: number, alpha: number): number {
  let [low, high] = [0, 20]
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2
    if (rangeCdf(middle, methods) < 1 - alpha) low = middle
    else high = middle
  }
  return low / Math.SQRT2
}

/**
 * Returns the probability that the range of k standard normal variables is at most q: k ∫ φ(z)·[Φ(z) − Φ(z − q)]^{k−1}
 * dz, by the trapezoidal rule.
 */
function rangeCdf(q: number, k: number): number {
  const step = 0.02
  const density = (z: number) => Math.exp(-(z * z) / 2) / Math.sqrt(2 * Math.PI)
  let integral = 0
  for (let z = -8; z <= 8; z += step) integral += density(z) * (normalCdf(z) - normalCdf(z - q)) ** (k - 1)
  return k * integral * step
}

/** Returns Φ(z), the standard normal distribution function. */
const normalCdf = (z: number) => (1 + errorFunction(z / Math.SQRT2)) / 2
