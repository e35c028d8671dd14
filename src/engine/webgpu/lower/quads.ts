/** Values as kernels count them: channels are read four at a time. */
import type { Value } from '../../../core/network.ts'
import { type Extent, extentOf } from '../../plan/extent.ts'

export interface Quads extends Extent {
  readonly quads: number
  /** Quads a sample. */
  readonly quadsPerSample: number
}

export function quadsOf(value: Value): Quads {
  const extent = extentOf(value)
  return { ...extent, quads: extent.channels / 4, quadsPerSample: extent.perSample / 4 }
}
