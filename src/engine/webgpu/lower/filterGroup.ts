/** The dispatches of filters that are taken together: dense ones, or depthwise ones. */
import type { Of } from '../../graph/graph.ts'
import type { Lent } from '../storage.ts'
import type { FilterGroup } from './filterPlaces.ts'

export interface FilterGroupEmitter {
  forward(): void
  /**
   * @param gradients wrt the outputs, as these stand beside each other
   * @param chunks where partial sums wait
   */
  backward(gradients: Lent, chunks: Lent): void
}

/** A group with where it stands. */
export interface GroupSite {
  readonly group: FilterGroup
  readonly convolution: Of<'convolve'>
  readonly condition: number
}
