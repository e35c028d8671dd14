/**
 * DrNAS' relaxation: β = ELU(η) + 1 (§4.1; the paper's η is our alpha), a draw θ ~ Dir(β) on each edge, and the
 * gradient back through the draw; also the KL penalty of the `kl` anchor.
 */
import { type Matrix, map, type Relaxation, zip } from '../../core/mixing.ts'
import type { Penalty } from '../shared/bilevel.ts'
import { klToUniform, klToUniformGradient, pathwise, sampleDirichlet } from './dirichlet.ts'

/** The concentration β = ELU(η) + 1 > 0 (§4.1). [edge][op] → [edge][op] */
export const concentration = (alpha: Matrix): Matrix => map(alpha, (a) => (a > 0 ? a + 1 : Math.exp(a)))

/** The derivative dβ/dη. [edge][op] → [edge][op] */
const concentrationSlope = (alpha: Matrix): Matrix => map(alpha, (a) => (a > 0 ? 1 : Math.exp(a)))

/** Chain rule through β: from ∂L/∂β to ∂L/∂η. */
const throughConcentration = (alpha: Matrix, gradBeta: Matrix): Matrix =>
  zip(gradBeta, concentrationSlope(alpha), (g, slope) => g * slope)

/** The mean of a Dirichlet distribution (eq. 4): β_o / Σβ. */
const mean = (beta: readonly number[]) => {
  const total = beta.reduce((sum, b) => sum + b, 0)
  return beta.map((b) => b / total)
}

/** The gradient wrt β through the mean: ∂mean_i/∂β_j = (δ_ij − mean_i) / Σβ, transposed. */
const meanGradient = (beta: readonly number[], gradTheta: readonly number[]) => {
  const total = beta.reduce((sum, b) => sum + b, 0)
  const average = beta.reduce((sum, b, i) => sum + b * gradTheta[i], 0) / total
  return gradTheta.map((g) => (g - average) / total)
}

/**
 * The relaxation: θ ~ Dir(ELU(η) + 1), differentiated through the draw by eq. 3; without a random stream, θ is the
 * mean.
 */
export const dirichletRelaxation: Relaxation = {
  stochastic: true,
  relax(alpha, stream) {
    const beta = concentration(alpha)
    const theta = stream === undefined ? beta.map(mean) : beta.map((row) => sampleDirichlet(row, stream))
    const gradBeta = (gradTheta: Matrix) =>
      stream === undefined
        ? beta.map((row, edge) => meanGradient(row, gradTheta[edge]))
        : beta.map((row, edge) => pathwise(theta[edge], row, gradTheta[edge]))
    return { mixing: { theta }, pullback: (gradient) => throughConcentration(alpha, gradBeta(gradient.theta)) }
  },
}

/** The penalty λ Σ_edges KL(Dir(β) ‖ Dir(1)) and its gradient wrt η, which is zero at η = 0. */
export const klPenalty = (lambda: number) =>
  ({
    value: (alpha: Matrix) => lambda * concentration(alpha).reduce((sum, beta) => sum + klToUniform(beta), 0),
    gradient: (alpha: Matrix) =>
      map(throughConcentration(alpha, concentration(alpha).map(klToUniformGradient)), (g) => lambda * g),
  }) satisfies Penalty
