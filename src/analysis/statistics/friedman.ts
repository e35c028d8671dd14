/** Many methods over many blocks: Friedman's test and Nemenyi's critical difference (Demšar, JMLR 2006, §3.2.2). */
import { errorFunction, gammaln } from 'simple-statistics'
import { averageRanks } from './ranks.ts'

export interface FriedmanResult {
  /** Mean rank of each method, 1 is best. */
  readonly ranks: readonly number[]
  /** χ²_F = 12N / (k(k+1)) · Σ (R_j − (k+1)/2)², k − 1 degrees of freedom, without a correction for ties. */
  readonly statistic: number
  readonly p: number
  /** Mean ranks further apart than this differ at level alpha. */
  readonly criticalDifference: number
}

/** @param scores [block][method], larger is better; at least two methods */
export function friedman(scores: readonly (readonly number[])[], alpha = 0.05): FriedmanResult {
  const ranks = averageRanks(scores)
  const [blocks, methods] = [scores.length, ranks.length]
  const spread = ranks.reduce((sum, rank) => sum + (rank - (methods + 1) / 2) ** 2, 0)
  const statistic = ((12 * blocks) / (methods * (methods + 1))) * spread
  const criticalDifference = nemenyi(methods, alpha) * Math.sqrt((methods * (methods + 1)) / (6 * blocks))
  return { ranks, statistic, p: 1 - chiSquareCdf(statistic, methods - 1), criticalDifference }
}

/** q_α: the studentised range of k normal variables with known variance, divided by √2. */
export function nemenyi(methods: number, alpha: number): number {
  let [low, high] = [0, 20]
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2
    if (rangeCdf(middle, methods) < 1 - alpha) low = middle
    else high = middle
  }
  return low / Math.SQRT2
}

/** P(range of k standard normal variables ≤ q) = k ∫ φ(z)·[Φ(z) − Φ(z − q)]^{k−1} dz, by the trapezoidal rule. */
function rangeCdf(q: number, k: number): number {
  const step = 0.02
  const density = (z: number) => Math.exp(-(z * z) / 2) / Math.sqrt(2 * Math.PI)
  let integral = 0
  for (let z = -8; z <= 8; z += step) integral += density(z) * (normalCdf(z) - normalCdf(z - q)) ** (k - 1)
  return k * integral * step
}

/** Φ(z) */
const normalCdf = (z: number) => (1 + errorFunction(z / Math.SQRT2)) / 2

/** P(X ≤ x) = (x/2)^{ν/2}·e^{−x/2} / Γ(ν/2 + 1) · Σ_n (x/2)ⁿ / ((ν/2 + 1)…(ν/2 + n)). */
function chiSquareCdf(x: number, degrees: number): number {
  if (x <= 0) return 0
  const [a, half] = [degrees / 2, x / 2]
  let term = 1
  let sum = 1
  for (let n = 1; term > 1e-16 * sum; n++) {
    term *= half / (a + n)
    sum += term
  }
  return Math.min(1, Math.exp(a * Math.log(half) - half - gammaln(a + 1)) * sum)
}
