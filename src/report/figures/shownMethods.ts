/** The methods of a figure: grouped once, so that label and look of one are the same in all panels. */
import { groupByMethod, type Method, oneRunPerSeed } from '../methods.ts'
import { type Look, looksOf } from '../pictures/palette.ts'
import type { RunRecord } from '../runRecord.ts'

export interface ShownMethod extends Method {
  readonly look: Look
}

/** @param runs all of the figure, also those that some of its panels leave out */
export function shownMethods(runs: readonly RunRecord[]): readonly ShownMethod[] {
  const methods = groupByMethod(runs)
  const looks = looksOf(methods)
  return methods.map((method, i) => ({ ...method, look: looks[i] }))
}

/**
 * The methods that have runs of a kind, with one of these for each seed.
 * @throws BenchError `bad-input` as `oneRunPerSeed`
 */
export const withRuns = (
  methods: readonly ShownMethod[],
  isShown: (run: RunRecord) => boolean,
): readonly ShownMethod[] =>
  methods
    .map((method) => oneRunPerSeed({ ...method, runs: method.runs.filter(isShown) }))
    .filter(({ runs }) => runs.length > 0)
