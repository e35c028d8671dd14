/** Stages the gradient of a convolution's output for the transposed convolution. */
import type { Context } from '../context.ts'
import type { FilterSite, StagedGradient } from './filter.ts'
import { backwardStaging, unstaged } from './geometry.ts'
import { stage, stageDeferred } from './staging.ts'

/**
 * Stages the gradient of an output.
 *
 * @param transposed false if only the gradient of the filter is wanted, which needs no border
 * @returns undefined if the output has no gradient
 */
export function stageOutputGradient(
  context: Context,
  { filter, input, condition }: FilterSite,
  transposed: boolean,
): StagedGradient | undefined {
  const { output, window } = filter
  const shape = context.shape(output)
  const staging = transposed ? backwardStaging(context.shape(input), shape, window) : unstaged(shape)
  const options = { condition }
  const deferred = context.norms.deferred(output)
  if (deferred) {
    return { staged: stageDeferred(context, deferred, context.value(output), shape, staging, options), staging }
  }
  const gradient = context.outputGradient(output)
  return gradient && { staged: stage(context, gradient, shape, staging, false, options), staging }
}
