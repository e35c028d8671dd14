/**
 * DSNAS (Hu, Xie, Zheng, Liu, Shi, Liu, Lin: "DSNAS: Direct Neural Architecture Search without Parameter Retraining",
 * CVPR 2020). One operation an edge, drawn from softmax(α); the gradient of α is a score function whose cost is what
 * the drawn operation contributes to the loss, with no temperature (the limit of SNAS at temperature 0, eq. 8-9):
 *
 *     ∂E[L]/∂α_e = E[ c_e · ∇_α log p(Z_e) ] = E[ ∂L/∂Z_s · (Z_e − p_e) ],   s the drawn operation, c_e = ∂L/∂Z_s · Z_s
 *
 * One level: w and α step at the same batch, under the same draw (algorithm 1); here the batches of the weight half.
 * No code for NAS-Bench-201 was published with the row of DrNAS' table. Left out: early stopping of edges whose
 * choice is clear, and direct evaluation with the search's weights, both of which serve to save the retraining.
 */
import { defineAlgorithm } from '../core/algorithm.ts'
import { argmax, type Matrix, onlyOnes, type Relaxation, softmax } from '../core/mixing.ts'
import { categorical } from './distributions/categorical.ts'
import { softmaxRelaxation } from './distributions/softmax.ts'
import { noOptions } from './options.ts'
import { bilevelSearch, initialParameters } from './supernet/bilevel.ts'

/** c_e (Z_e − p_e) on each edge. @param gradTheta ∂L/∂Z, of which only the drawn operation's is read */
export const scoreGradient = (z: Matrix, p: Matrix, gradTheta: Matrix): Matrix =>
  z.map((row, edge) => {
    const cost = gradTheta[edge][argmax(row)]
    return row.map((weight, op) => cost * (weight - p[edge][op]))
  })

const discreteRelaxation: Relaxation = {
  stochastic: true,
  relax(alpha, stream) {
    if (stream === undefined) return softmaxRelaxation.relax(alpha)
    const p = alpha.map(softmax)
    const drawn = p.map((row) => categorical(row, stream))
    const theta = p.map((row, edge) => row.map((_, op) => Number(op === drawn[edge])))
    return { mixing: onlyOnes(theta), pullback: (gradient) => scoreGradient(theta, p, gradient.theta) }
  },
}

export const dsnas = defineAlgorithm({
  name: 'dsnas',
  version: 1,
  description: 'One sampled operation an edge, a score-function gradient, weights and architecture on one loss',
  source: 'Hu et al., "DSNAS: Direct Neural Architecture Search without Parameter Retraining", CVPR 2020',
  look: { colour: 'blue', dash: 'dotted', marker: 'rectRot' },
  kind: 'supernet',
  options: noOptions,
  idle: { stepOrder: 'both gradients are taken at the same weights' },
  search: (context) =>
    bilevelSearch(context, {
      start: initialParameters(context),
      relaxation: () => discreteRelaxation,
      oneLevel: true,
      // Both gradients are taken at the same w.
      stepOrder: 'architecture-first',
    }),
})
