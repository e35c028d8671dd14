/**
 * Computes ∇_α, the gradient of the supernet's loss on one batch with respect to the architecture parameters α, as a
 * smooth function of α. Hessians with respect to α are computed from it.
 */
import type { RelaxedSearch } from '../core/algorithm.ts'
import type { Batch } from '../core/data.ts'
import type { Executable, Objective } from '../core/executor.ts'
import { type Matrix, type Relaxed, reshape } from '../core/mixing.ts'
import type { RandomStream } from '../core/random.ts'
import { openExecutor } from '../engine/index.ts'
import { feedOf, mixingGradient } from '../training/supernet.ts'
import type { GradientField } from './hessian.ts'

const CROSS_ENTROPY: Objective = { kind: 'cross-entropy' }

export interface ArchitectureGradient {
  /** Gradient of the loss as a function of the architecture parameters, both flattened row by row. */
  readonly gradient: GradientField
  dispose(): void
}

/**
 * Returns ∇_α of the loss as a function of α, near the current α of the search. It uses batch statistics and does not
 * update running statistics. The masks of ReLUs and max poolings are frozen at the current α, so that the function's
 * derivative is the almost-everywhere Hessian, as automatic differentiation gives it.
 *
 * Without streams a stochastic relaxation is evaluated at its mean. With streams the loss is averaged over one draw of
 * mixing weights from each stream; the streams restart at every α, so that all α use the same random numbers.
 */
export async function architectureGradient(
  search: RelaxedSearch,
  batch: Batch,
  streams: readonly (() => RandomStream)[] = [],
): Promise<ArchitectureGradient> {
  const { relaxation, supernet } = search
  const { executable, release } = await withActivationMasks(supernet.executable, batch.size)
  const shape = search.parameters()
  const draws = (parameters: Matrix): Relaxed[] =>
    streams.length === 0 ? [relaxation.relax(parameters)] : streams.map((open) => relaxation.relax(parameters, open()))
  const activationMasks = draws(shape).map(({ mixing }) => executable.activationMasks?.(feedOf(batch, mixing)))
  return {
    async gradient(point) {
      const relaxed = draws(reshape(point, shape))
      const total = point.map(() => 0)
      for (const [draw, { mixing, pullback }] of relaxed.entries()) {
        const feed = { ...feedOf(batch, mixing), activationMasks: activationMasks[draw] }
        const gradient = pullback(await mixingGradient(executable, feed, mixing, CROSS_ENTROPY))
        for (const [i, value] of gradient.flat().entries()) total[i] += value / relaxed.length
      }
      return total
    },
    dispose() {
      for (const gate of activationMasks) gate?.dispose()
      release()
    },
  }
}

/** Returns the executable if it can freeze activations; else a copy with the same weights, on an executor that can. */
export async function withActivationMasks(executable: Executable, batchSize: number) {
  if (executable.activationMasks) return { executable, release: () => undefined }
  const portable = await openExecutor({ backend: 'auto', deterministic: true })
  const copy = await portable.compile(executable.network, { batchSize })
  copy.weights.write(await executable.weights.read())
  return { executable: copy, release: () => copy.dispose() }
}
