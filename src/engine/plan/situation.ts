/** The kinds of run of a static plan. The kind and the activity flags decide which calls or dispatches are replayed. */
import type { Mode } from '../../core/executor.ts'

/** One kind of run. */
export interface Situation {
  readonly mode: Mode
  /** Whether the gradient with respect to the network weights is computed. */
  readonly weights: boolean
  /** Whether the gradient with respect to the mixing coefficients is computed. */
  readonly coefficients: boolean
  /** Whether some paths may be switched off. */
  readonly pathMasked: boolean
  /** Whether frozen activations record new masks. */
  readonly recording: boolean
}

/** Returns a text that is different for different kinds of run. */
export const nameOf = ({ mode, weights, coefficients, pathMasked, recording }: Situation): string =>
  `${mode} ${weights} ${coefficients} ${pathMasked} ${recording}`

/**
 * Tells whether a call or dispatch is skipped.
 *
 * @param flags the activity flags; undefined: everything runs
 * @param condition number of the flag that must be set; −1: the call always runs
 */
export const isOff = (flags: Uint8Array | undefined, condition: number): boolean =>
  flags !== undefined && condition >= 0 && flags[condition] === 0
