/** The call that stages an image for a convolution (see `geometry.ts`). */
import type { Value } from '../../../core/network.ts'
import { isPlain, type Staging } from '../geometry.ts'
import type { Temporary } from '../placement.ts'
import type { EmitOptions } from '../program.ts'
import type { Context } from './context.ts'

/**
 * A buffer with the staged image, or the plain one where staging would change nothing.
 *
 * @param shape of the plain image
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
  const staged = context.activation(staging.height * staging.width * staging.channels, `staged ${image.what}`)
  context.program.emit(
    'stage',
    {
      input: image,
      staged,
      height: shape.height,
      width: shape.width,
      channels: staging.channels,
      stagedHeight: staging.height,
      stagedWidth: staging.width,
      border: staging.border,
      spread: staging.spread,
      relu: Number(relu),
    },
    options,
  )
  return staged
}
