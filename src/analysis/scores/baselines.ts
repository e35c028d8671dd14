/**
 * The baselines that every training-free score has to beat: the number of parameters, the multiply-accumulates, and the
 * norm of the initial weights.
 */
import { macCount, parameterCount } from '../../core/network.ts'
import { defineScore } from '../../core/score.ts'
import { weightRanges } from './networks.ts'

/** The score `params`: number of trainable parameters, including those of operations that do not reach the output. */
export const params = defineScore({
  name: 'params',
  version: 1,
  description: 'number of trainable parameters (baseline)',
  source: 'baseline',
  better: 'higher',
  reads: 'architecture',
  layers: 'network',
  compute: async ({ network }) => parameterCount(network),
})

/**
 * The score `flops`: multiply-accumulates for one image, including those of operations that do not reach the output.
 */
export const flops = defineScore({
  name: 'flops',
  version: 1,
  description: 'multiply-accumulates for one image (baseline)',
  source: 'baseline',
  better: 'higher',
  reads: 'architecture',
  layers: 'network',
  compute: async ({ network }) => macCount(network),
})

/** The score `l2-norm`: Σ ‖w‖ over the parameter tensors w that are filters or linear weights. */
export const l2Norm = defineScore({
  name: 'l2-norm',
  version: 1,
  description: 'sum of the norms of filters and linear weights (baseline)',
  source: 'Abdelfattah et al., "Zero-Cost Proxies for Lightweight NAS", ICLR 2021',
  better: 'higher',
  reads: 'weights',
  layers: 'network',
  compute: async ({ network, weights }) =>
    weightRanges(network).reduce((sum, [from, to]) => sum + normOf(weights, from, to), 0),
})

/** Returns the Euclidean norm of the elements from index `from` to before `to` of a vector. */
export function normOf(vector: Float32Array, from: number, to: number): number {
  let sum = 0
  for (let i = from; i < to; i++) sum += vector[i] * vector[i]
  return Math.sqrt(sum)
}
