/** The dispatches of filters that are taken together: dense ones, or depthwise ones. */
import type { Of } from '../../graph/graph.ts'
import type { Lent, Storage } from '../storage.ts'
import type { FilterGroup } from './filterPlaces.ts'

/** As `outputGradient` in kernels/ names them. */
export type GradientBuffers = Readonly<Record<string, Storage>>

export interface FilterGroupEmitter {
  forward(): void
  /**
   * @param gradients what kernels name for the gradients wrt the outputs
   * @param chunks where partial sums wait
   */
  backward(gradients: GradientBuffers, chunks: Lent): void
}

/** A group with where it stands. */
export interface GroupSite {
  readonly group: FilterGroup
  readonly convolution: Of<'convolve'>
  readonly condition: number
}
