/**
 * DSNAS (Hu, Xie, Zheng, Liu, Shi, Liu, Lin: "DSNAS: Direct Neural Architecture Search without Parameter Retraining",
 * CVPR 2020). Every forward pass computes one operation per edge, sampled from p = softmax(α); Z is its one-hot vector.
 * The gradient of α is a score-function gradient whose cost is the contribution of the sampled operation to the loss,
 * without a temperature (the limit of SNAS at temperature 0, eq. 8-9):
 *
 *     ∂E[L]/∂α_e = E[ c_e · ∇_α log p(Z_e) ] = E[ ∂L/∂Z_s · (Z_e − p_e) ],   s: sampled op, c_e = ∂L/∂Z_s · Z_s
 *
 * Single-level optimisation: w and α step on the same batch, with the same sampled operations (algorithm 1), here on
 * batches of the weight half. The authors published no code for NAS-Bench-201; the DSNAS row in DrNAS' table has none
 * either. Two parts of the paper are left out because they only serve to save the retraining: early stopping of edges
 * whose choice is clear, and evaluation with the weights of the search.
 */
import { defineAlgorithm } from '../core/algorithm.ts'
import { argmax, type Matrix, onlyOnes, type Relaxation, softmax } from '../core/mixing.ts'
import { sampleOneHot, softmaxRelaxation } from './distributions/categorical.ts'
import { bilevelSearch, initialParameters } from './shared/bilevel.ts'
import { noOptions } from './shared/options.ts'

/**
 * DSNAS' score-function gradient wrt α: c_e (Z_e − p_e) on each edge e, with the one-hot sample Z_e, its probabilities
 * p_e and the cost c_e = ∂L/∂Z_s of the sampled operation s.
 * @param gradTheta ∂L/∂Z, of which only the entry of s is used
 */
export const scoreGradient = (z: Matrix, p: Matrix, gradTheta: Matrix): Matrix =>
  z.map((row, edge) => {
    const cost = gradTheta[edge][argmax(row)]
    return row.map((weight, op) => cost * (weight - p[edge][op]))
  })

/**
 * DSNAS' relaxation: computes one operation per edge, sampled from softmax(α); without a random stream, mixes all by
 * softmax(α).
 */
const discreteRelaxation: Relaxation = {
  stochastic: true,
  relax(alpha, stream) {
    if (stream === undefined) return softmaxRelaxation.relax(alpha)
    const theta = sampleOneHot(alpha, stream)
    return { mixing: onlyOnes(theta), pullback: ({ theta: g }) => scoreGradient(theta, alpha.map(softmax), g) }
  },
}

/** The algorithm `dsnas`: single-level search with one sampled operation per edge and a score-function gradient. */
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
      singleLevel: true,
      // Both gradients are taken at the same w.
      stepOrder: 'architecture-first',
    }),
})
