/** The contract of one term of a weighted sum while it is lowered. */

import type { Temporary } from '../../../plan/placement.ts'
import type { Word } from '../../plan/program.ts'

export interface TermEmitter {
  readonly value: Temporary
  /** The entry of the term in the table of the `combine` kernel: value, scale and shift, flag, 0. */
  readonly row: readonly Word[]
  /** The entry of the term in the table of the `reduceProducts` kernel: value, means, flag, sums. */
  readonly projection: readonly Word[]
  /** The kinds of run in which Σ g·(value − μ) is needed. */
  readonly projected: 'always' | 'coefficients' | 'never'
  /** Emits the calls that compute scale and shift. */
  prepare(): void
  /**
   * Emits the calls that compute, from the sums, the gradients of the coefficient, the norm's parameters and the value.
   */
  backward(gradient: Temporary, gradientSums: number): void
}
