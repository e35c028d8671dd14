/** One filter of a convolution: dense or depthwise. */

import type { Filter } from '../../../graph/graph.ts'
import type { Accumulation } from '../../../plan/accumulation.ts'
import type { Temporary } from '../../../plan/placement.ts'
import type { Staging } from './geometry.ts'

/** The calls for one filter over an input that is staged for it. */
export interface FilterEmitter {
  forward(staged: Temporary): void
  filterGradient(staged: Temporary, gradient: StagedGradient): void
  /** @param sum where ∂L/∂(staged input) goes */
  inputGradient(gradient: StagedGradient, sum: Accumulation): void
}

/** ∂L/∂output of a filter, staged for the transposed window. */
export interface StagedGradient {
  readonly staged: Temporary
  readonly staging: Staging
}

/** A filter with where it stands. */
export interface FilterSite {
  readonly filter: Filter
  /** Value that the convolution reads. */
  readonly input: number
  readonly staging: Staging
  readonly condition: number
}
