/**
 * Stages images for convolutions, that is, copies them into buffers with a zero border (layouts in `geometry.ts`): the
 * input in the forward pass, and the gradient of an output for the transposed convolution. Also declares the interface
 * of the classes that emit the calls of one filter.
 */
import type { Value } from '../../../core/network.ts'
import type { Filter } from '../../graph/graph.ts'
import type { Accumulation } from '../../plan/lowering.ts'
import type { Temporary } from '../../plan/placement.ts'
import type { EmitOptions } from '../plan/program.ts'
import type { Context, DeferredGradient } from './context.ts'
import { backwardStaging, isPlain, type Staging, unstaged } from './geometry.ts'

/**
 * Emits the call that copies an image into a buffer with a zero border, and returns that buffer. If the copy would have
 * the same bytes as the image, it emits nothing and returns the image's buffer.
 *
 * @param shape shape of the image
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

/**
 * Emits the call that computes the gradient of a batch norm's input and writes it into an image with a zero border.
 * @param value buffer of the batch norm's input
 */
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

/** Returns the kernel arguments that describe the layout of a staged image. */
const extents = (shape: Value, { height, width, channels, border, spread }: Staging) => ({
  height: shape.height,
  width: shape.width,
  channels,
  stagedHeight: height,
  stagedWidth: width,
  border,
  spread,
})

/** Emits the kernel calls of one filter of a convolution, dense or depthwise, over the staged input. */
export interface FilterEmitter {
  forward(staged: Temporary): void
  filterGradient(staged: Temporary, gradient: StagedGradient): void
  /** Emits the calls that add this filter's part of the input gradient to `sum`. */
  inputGradient(gradient: StagedGradient, sum: Accumulation): void
}

/** The gradient of a filter's output, copied into an image with a zero border for the transposed convolution. */
export interface StagedGradient {
  readonly staged: Temporary
  readonly staging: Staging
}

/** One filter of a convolution, and what the calls of the filter need to know of the convolution. */
export interface FilterSite {
  readonly filter: Filter
  /** The id of the value that the convolution reads. */
  readonly input: number
  /** Layout of the staged input. */
  readonly staging: Staging
  /** Position of the activity flag that decides whether the filter is computed; −1: it always is. */
  readonly condition: number
}

/**
 * Emits the call that copies the gradient of a filter's output into an image with a zero border, and returns that
 * image; undefined if the output has no gradient.
 *
 * @param transposed whether the input gradient is computed from the image; the filter gradient alone needs no border
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
