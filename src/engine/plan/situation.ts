/** In what kind of run the calls or dispatches of a static plan are replayed. */
import type { Mode } from '../../core/executor.ts'

/** What a replay is for. */
export interface Situation {
  readonly mode: Mode
  readonly weights: boolean
  readonly coefficients: boolean
  /** Some paths may be switched off. */
  readonly gated: boolean
  /** The masks of held gates are taken anew. */
  readonly taking: boolean
}

/** Different for different situations. */
export const nameOf = ({ mode, weights, coefficients, gated, taking }: Situation): string =>
  `${mode} ${weights} ${coefficients} ${gated} ${taking}`
