/** The contract of one filter of a convolution while it is lowered, dense or depthwise. */

import type { Filter } from '../../../graph/graph.ts'
import type { Accumulation } from '../../../plan/accumulation.ts'
import type { Temporary } from '../../../plan/placement.ts'
import type { Staging } from './geometry.ts'

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
