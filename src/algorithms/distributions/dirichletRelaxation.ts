/**
 * DrNAS' relaxation: architecture parameters η (`alpha` in the code) give concentrations β = ELU(η) + 1 (§4.1), mixing
 * weights are sampled from Dir(β) on each edge, and the gradient is back-propagated through the sample. Also the KL
 * penalty that keeps β near 1, for the option `anchor=kl` of DrNAS.
 */
import { type Matrix, map, type Relaxation, zip } from '../../core/mixing.ts'
import type { Penalty } from '../shared/bilevel.ts'
import { klToUniform, klToUniformGradient, pathwise, sampleDirichlet } from './dirichlet.ts'

/** DrNAS' Dirichlet concentration β = ELU(α) + 1 > 0 (§4.1). [edge][op] → [edge][op] */
export const concentration = (alpha: Matrix): Matrix => map(alpha, (a) => (a > 0 ? a + 1 : Math.exp(a)))

/** The derivative dβ/dα of DrNAS' concentration β = ELU(α) + 1. [edge][op] → [edge][op] */
const concentrationSlope = (alpha: Matrix): Matrix => map(alpha, (a) => (a > 0 ? 1 : Math.exp(a)))

/** Applies the chain rule through β = ELU(α) + 1: turns ∂L/∂β into ∂L/∂α. */
const throughConcentration = (alpha: Matrix, gradBeta: Matrix): Matrix =>
  zip(gradBeta, concentrationSlope(alpha), (g, slope) => g * slope)

/** The mean β_o / Σβ of the Dirichlet distribution of one edge (DrNAS, eq. 4). */
const mean = (beta: readonly number[]) => {
  const total = beta.reduce((sum, b) => sum + b, 0)
  return beta.map((b) => b / total)
}

/** Back-propagates through mean = β / Σβ: ∂L/∂β_j = Σ_i ∂L/∂mean_i · (δ_ij − mean_i) / Σβ. */
const meanGradient = (beta: readonly number[], gradTheta: readonly number[]) => {
  const total = beta.reduce((sum, b) => sum + b, 0)
  const average = beta.reduce((sum, b, i) => sum + b * gradTheta[i], 0) / total
  return gradTheta.map((g) => (g - average) / total)
}

/**
 * DrNAS' relaxation: mixing weights θ ~ Dir(ELU(α) + 1), differentiated through the sample by DrNAS' eq. 3. Without a
 * random stream, θ is the mean of that distribution.
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

/** DrNAS' penalty λ Σ_edges KL(Dir(β) ‖ Dir(1)) with β = ELU(α) + 1, and its gradient wrt α, which is 0 at α = 0. */
export const klPenalty = (lambda: number) =>
  ({
    value: (alpha: Matrix) => lambda * concentration(alpha).reduce((sum, beta) => sum + klToUniform(beta), 0),
    gradient: (alpha: Matrix) =>
      map(throughConcentration(alpha, concentration(alpha).map(klToUniformGradient)), (g) => lambda * g),
  }) satisfies Penalty
