/** When a dispatch runs: in which part of a step, and in what kind of run. */
import type { Situation } from '../../plan/situation.ts'

/** The part of a step that a dispatch belongs to; losses differ by objective. */
export type Section = 'forward' | 'cross-entropy' | 'logits' | 'backward' | 'descent'

/** The situations in which a dispatch runs. */
export type When =
  | 'always'
  | 'batch-statistics'
  | 'weights'
  | 'coefficients'
  | 'no-coefficients'
  | 'pathMasked'
  | 'recording'
  | 'not-recording'

/** Whether a dispatch runs. */
export const holds: Readonly<Record<When, (situation: Situation) => boolean>> = {
  always: () => true,
  'batch-statistics': ({ mode }) => mode !== 'eval',
  weights: ({ weights }) => weights,
  coefficients: ({ coefficients }) => coefficients,
  'no-coefficients': ({ coefficients }) => !coefficients,
  pathMasked: ({ pathMasked }) => pathMasked,
  recording: ({ recording }) => recording,
  'not-recording': ({ recording }) => !recording,
}
