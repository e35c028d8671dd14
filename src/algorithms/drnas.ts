/**
 * DrNAS (Chen, Wang, Cheng, Tang, Hsieh: "DrNAS: Dirichlet Neural Architecture Search", ICLR 2021). In place of DARTS'
 * softmax, the mixing weights of an edge are a random draw from a Dirichlet distribution, whose concentration is learnt.
 *
 *     min over β of E_{θ ~ Dir(β)} L_val(w*, θ) + λ d(β, β̂)                                                    (eq. 2)
 *
 * One θ an edge and forward pass, shared by all cells; a new one for the architecture step and for the weight step.
 * Paper's letters: η is our alpha, with β = ELU(η) + 1 (§4.1); θ, β, λ as here.
 *
 * The anchor d: `l2` is ½‖η‖², about η̂ = 0 (§4.1, the paper's choice for all its results), applied as the authors' code
 * applies it, as Adam's weight decay λ; `kl` is KL(Dir(β) ‖ Dir(1)) summed over the edges (A.5), without decay;
 * `none` has neither. λ replaces the protocol's decay on α.
 */
import { z } from 'zod'
import { defineAlgorithm } from '../core/algorithm.ts'
import { type Matrix, map, zip } from '../core/mixing.ts'
import type { Relaxation } from '../core/relaxation.ts'
import { type BilevelMethod, bilevelSearch, initialParameters } from './bilevel.ts'
import { klToUniformGradient, pathwise, sampleDirichlet } from './dirichlet.ts'
import { real, word } from './options.ts'

const options = z.strictObject({
  anchor: word(['l2', 'kl', 'none'], 'l2', 'distance that keeps the concentration near 1 (§4.1, A.5)'),
  lambda: real(1e-3, 'weight of the anchor (§4.1; tables 1 and 5)', 0),
})

type Options = z.infer<typeof options>

/** β = ELU(η) + 1 > 0 (§4.1). [edge][op] → [edge][op] */
export const concentration = (alpha: Matrix): Matrix => map(alpha, (a) => (a > 0 ? a + 1 : Math.exp(a)))

/** dβ/dη. */
const concentrationSlope = (alpha: Matrix): Matrix => map(alpha, (a) => (a > 0 ? 1 : Math.exp(a)))

/** Through β, from ∂L/∂β to ∂L/∂η. */
const throughConcentration = (alpha: Matrix, gradBeta: Matrix): Matrix =>
  zip(gradBeta, concentrationSlope(alpha), (g, slope) => g * slope)

/** Eq. 4: the Dirichlet mean β_o / Σβ. */
const mean = (beta: readonly number[]) => {
  const total = beta.reduce((sum, b) => sum + b, 0)
  return beta.map((b) => b / total)
}

/** ∂mean_i/∂β_j = (δ_ij − mean_i) / Σβ, transposed onto a gradient. */
const meanGradient = (beta: readonly number[], gradTheta: readonly number[]) => {
  const total = beta.reduce((sum, b) => sum + b, 0)
  const average = beta.reduce((sum, b, i) => sum + b * gradTheta[i], 0) / total
  return gradTheta.map((g) => (g - average) / total)
}

/** θ ~ Dir(ELU(η) + 1), and eq. 3 back through the draw; without a stream the Dirichlet mean. */
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

/** ∂/∂η of λ Σ_edges KL(Dir(β) ‖ Dir(1)). Zero at η = 0. */
export const klPenalty =
  (lambda: number) =>
  (alpha: Matrix): Matrix =>
    map(throughConcentration(alpha, concentration(alpha).map(klToUniformGradient)), (g) => lambda * g)

/** The anchor, as the bilevel loop takes it. */
const anchorOf = ({ anchor, lambda }: Options): Pick<BilevelMethod, 'penalty' | 'weightDecay'> => ({
  weightDecay: anchor === 'l2' ? lambda : 0,
  ...(anchor === 'kl' ? { penalty: klPenalty(lambda) } : {}),
})

export const drnas = defineAlgorithm({
  name: 'drnas',
  version: 1,
  description: 'Mixing weights drawn from a learnt Dirichlet distribution, with an anchor regulariser',
  source: 'Chen et al., "DrNAS: Dirichlet Neural Architecture Search", ICLR 2021',
  kind: 'supernet',
  options,
  search: (context, chosen) =>
    bilevelSearch(context, {
      start: initialParameters(context),
      relaxation: () => dirichletRelaxation,
      ...anchorOf(chosen),
    }),
})
