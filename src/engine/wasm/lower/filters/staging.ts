/** Emits the call that stages an image for a convolution (see `geometry.ts`). */
import type { Value } from '../../../../core/network.ts'
import type { Temporary } from '../../../plan/placement.ts'
import type { EmitOptions } from '../../plan/program.ts'
import type { Context } from '../context.ts'
import type { DeferredGradient } from '../terms/normGradients.ts'
import { isPlain, type Staging } from './geometry.ts'

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
