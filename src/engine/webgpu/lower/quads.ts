/**
 * Sizes of activation tensors on the GPU, counted in quads: groups of four neighbouring channels, which kernels read at
 * once.
 */
import type { Value } from '../../../core/network.ts'
import { type Extent, extentOf } from '../../plan/lowering.ts'

/** The stored sizes of an activation tensor, in floats and in quads (groups of four neighbouring channels). */
export interface Quads extends Extent {
  /** Number of groups of four channels in one pixel of the tensor. */
  readonly quads: number
  /** Number of groups of four channels in all pixels of one sample. */
  readonly quadsPerSample: number
}

/** Returns the stored sizes of an activation tensor of the given height, width and channels. */
export function quadsOf(value: Value): Quads {
  const extent = extentOf(value)
  return { ...extent, quads: extent.channels / 4, quadsPerSample: extent.perSample / 4 }
}
