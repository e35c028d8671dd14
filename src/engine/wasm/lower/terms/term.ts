/** What a node needs of each of its terms. */

import type { Temporary } from '../../../plan/placement.ts'
import type { Word } from '../../plan/program.ts'

export interface TermEmitter {
  readonly value: Temporary
  /** The term's words for the `combine` kernel: value, scale and shift, flag, 0. */
  readonly row: readonly Word[]
  /** The term's words for the `project` kernel: value, means, flag, sums. */
  readonly projection: readonly Word[]
  /** When Σ g·(value − μ) is needed. */
  readonly projected: 'always' | 'coefficients' | 'never'
  /** Emits the calls that compute scale and shift. */
  prepare(): void
  /** Emits what follows from the sums: gradients wrt the coefficient, the norm's parameters and the value. */
  backward(gradient: Temporary, gradientSums: number): void
}
