/** One filter of a convolution: dense or depthwise. */
import type { Filter } from '../../graph/graph.ts'
import type { Temporary } from '../../graph/placement.ts'

/** The dispatches of one filter. */
export interface FilterEmitter {
  forward(): void
  /** @param gradient wrt the filter's output */
  backward(gradient: Temporary): void
}

/** A filter with where it stands. */
export interface FilterSite {
  readonly filter: Filter
  /** Value that the convolution reads. */
  readonly input: number
  readonly relu: boolean
  readonly condition: number
}
