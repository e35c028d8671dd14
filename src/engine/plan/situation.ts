/** In what kind of run the calls or dispatches of a static plan are replayed. */
import type { Mode } from '../../core/executor.ts'

/** What a replay is for. */
export interface Situation {
  readonly mode: Mode
  readonly weights: boolean
  readonly coefficients: boolean
  /** Some paths may be switched off. */
  readonly pathMasked: boolean
  /** The masks of frozen activations are taken anew. */
  readonly recording: boolean
}

/** Different for different situations. */
export const nameOf = ({ mode, weights, coefficients, pathMasked, recording }: Situation): string =>
  `${mode} ${weights} ${coefficients} ${pathMasked} ${recording}`
