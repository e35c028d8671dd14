/** ∇_α of the search network's loss on one batch, as a function of α. */
import type { RelaxedSearch } from '../core/algorithm.ts'
import type { Batch } from '../core/data.ts'
import { type Matrix, reshape } from '../core/mixing.ts'
import type { RandomStream } from '../core/random.ts'
import type { Relaxed } from '../core/relaxation.ts'
import type { GradientField } from './hessian.ts'

/**
 * The gradient field over the flattened architecture parameters (row-major), with batch statistics and nothing updated.
 * Without streams a stochastic relaxation is taken at its mean. With streams the loss is averaged over one draw from
 * each; a stream is opened anew at every point, so all points share the same random numbers.
 */
export function architectureGradient(
  { relaxation, supernet }: RelaxedSearch,
  batch: Batch,
  shape: Matrix,
  streams: readonly (() => RandomStream)[] = [],
): GradientField {
  const draws = (parameters: Matrix): Relaxed[] =>
    streams.length === 0 ? [relaxation.relax(parameters)] : streams.map((open) => relaxation.relax(parameters, open()))
  return async (point) => {
    const relaxed = draws(reshape(point, shape))
    const total = point.map(() => 0)
    for (const { mixing, pullback } of relaxed) {
      const { mixing: gradient } = await supernet.gradient(batch, mixing, { mode: 'probe' })
      for (const [i, value] of pullback(gradient).flat().entries()) total[i] += value / relaxed.length
    }
    return total
  }
}
