/** The stored sizes of values in quads: kernels read four neighbouring channels at a time. */
import type { Value } from '../../../core/network.ts'
import { type Extent, extentOf } from '../../plan/lowering.ts'

/** The stored sizes of a value, in floats and in quads (four neighbouring channels). */
export interface Quads extends Extent {
  /** Quads of channels of one pixel. */
  readonly quads: number
  /** Quads of one sample. */
  readonly quadsPerSample: number
}

/** Returns the stored sizes of a value. */
export function quadsOf(value: Value): Quads {
  const extent = extentOf(value)
  return { ...extent, quads: extent.channels / 4, quadsPerSample: extent.perSample / 4 }
}
