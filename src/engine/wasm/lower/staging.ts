/** Emits the call that stages an image for a convolution (see `geometry.ts`). */
import type { Value } from '../../../core/network.ts'
import type { Filter } from '../../graph/graph.ts'
import type { Accumulation } from '../../plan/lowering.ts'
import type { Temporary } from '../../plan/placement.ts'
import type { EmitOptions } from '../plan/program.ts'
import type { Context, DeferredGradient } from './context.ts'
import { backwardStaging, isPlain, type Staging, unstaged } from './geometry.ts'

/**
 * Stages an image. → its buffer, or the original buffer if staging would change nothing
 *
 * @param shape the shape of the original image
 */
export function stage(
  context: Context,
  image: Temporary,
  shape: Value,
  staging: Staging,
  relu: boolean,
  options: EmitOptions,
): Temporary {
  if (isPlain(staging, shape) && !relu) return image
  const staged = stagedBuffer(context, image, staging)
  context.program.emit('stage', { input: image, staged, ...extents(shape, staging), relu: Number(relu) }, options)
  return staged
}

/** Stages a gradient that is computed while it is staged. @param value the value whose gradient it is */
export function stageDeferred(
  context: Context,
  { gradient, slopes }: DeferredGradient,
  value: Temporary,
  shape: Value,
  staging: Staging,
  options: EmitOptions,
): Temporary {
  const staged = stagedBuffer(context, value, staging)
  context.program.emit('stageNormGradient', { gradient, value, slopes, staged, ...extents(shape, staging) }, options)
  return staged
}

const stagedBuffer = (context: Context, { what }: Temporary, { height, width, channels }: Staging) =>
  context.activation(height * width * channels, `staged ${what}`)

const extents = (shape: Value, { height, width, channels, border, spread }: Staging) => ({
  height: shape.height,
  width: shape.width,
  channels,
  stagedHeight: height,
  stagedWidth: width,
  border,
  spread,
})

/** Emits the calls of one filter over an input that has been staged. */
export interface FilterEmitter {
  forward(staged: Temporary): void
  filterGradient(staged: Temporary, gradient: StagedGradient): void
  /** Emits the backward pass. @param sum the buffer to which ∂L/∂(staged input) is added */
  inputGradient(gradient: StagedGradient, sum: Accumulation): void
}

/** The gradient of a filter's output, staged for the transposed convolution. */
export interface StagedGradient {
  readonly staged: Temporary
  readonly staging: Staging
}

/** A filter with its operation. */
export interface FilterSite {
  readonly filter: Filter
  /** The value that the convolution reads. */
  readonly input: number
  readonly staging: Staging
  readonly condition: number
}

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
