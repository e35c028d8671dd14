/**
 * Functions that several figures share: the columns and methods of a figure, and curves of several seeds as one line
 * and band.
 */

import { type Summary, summarise } from '../../analysis/statistics/summary.ts'
import { onceEach } from '../../core/onceEach.ts'
import { type Column, compare } from '../comparison/comparison.ts'
import { groupByMethod, type Method, oneRunPerSeed } from '../methods.ts'
import type { BandPoint, Point } from '../pictures/figure.ts'
import { type Look, looksOf } from '../pictures/palette.ts'
import type { RunRecord } from '../runRecord.ts'

/** Returns the test columns of the comparison of these runs. */
export const testColumns = onceEach((runs: readonly RunRecord[]): readonly Column[] =>
  compare(runs, { mix: true }).columns.filter(({ split }) => split === 'test'),
)

/** Returns whether a run was searched on the dataset of a column. */
export const isOfColumn =
  (column: Column) =>
  ({ manifest }: RunRecord): boolean =>
    manifest.job.dataset.name === column.searchedOn

/** Returns the qualifiers of the validation and test accuracies of a column under the protocol of a run. */
export function qualifiersOf({ manifest: { job } }: RunRecord, { dataset }: Column) {
  return job.protocol.headline[job.dataset.name]?.find((headline) => headline.dataset === dataset)
}

export interface ShownMethod extends Method {
  readonly look: Look
}

/**
 * Groups the runs of a figure by method, each with its look, so that a method has one label and one look in all panels.
 * @param runs all runs of the figure, also those that some panels leave out
 */
export function shownMethods(runs: readonly RunRecord[]): readonly ShownMethod[] {
  const methods = groupByMethod(runs)
  const looks = looksOf(methods)
  return methods.map((method, i) => ({ ...method, look: looks[i] }))
}

/**
 * Returns the methods that have runs of some kind, with one such run for each seed.
 * @throws BenchError `bad-input` as `oneRunPerSeed`
 */
export const withRuns = (
  methods: readonly ShownMethod[],
  isShown: (run: RunRecord) => boolean,
): readonly ShownMethod[] =>
  methods
    .map((method) => oneRunPerSeed({ ...method, runs: method.runs.filter(isShown) }))
    .filter(({ runs }) => runs.length > 0)

/** What the band of a curve shows: min to max over the seeds, ± 1 standard deviation, or nothing. */
export type Spread = 'range' | 'std' | 'none'

const NAMES: Readonly<Record<Spread, string>> = { range: ' and min to max', std: ' and ± 1 std', none: '' }

/** Returns the words of a caption for a spread: `mean and min to max over seeds`. */
export const spreadWords = (spread: Spread): string => `mean${NAMES[spread]} over seeds`

const MANY_SEEDS = 20
const MANY_METHODS = 6

/**
 * Returns the spread that a figure shows by default: none for many methods, whose bands would hide lines; `std` for
 * many seeds.
 */
export function customarySpread(methods: readonly Method[]): Spread {
  if (methods.length > MANY_METHODS) return 'none'
  return methods.some(({ runs }) => runs.length > MANY_SEEDS) ? 'std' : 'range'
}

export interface SeedBand {
  readonly points: readonly Point[]
  readonly band: readonly BandPoint[]
}

/** A function that is known at some x. */
export type Curve = Pick<ReadonlyMap<number, number>, 'size' | 'keys' | 'get'>

/**
 * Returns the mean and the band of several curves at every x of any curve. The mean is over the
 * curves that have the x, and a gap (null) where a value is not finite. The `std` band of a single curve is empty.
 */
export function seedBand(curves: readonly Curve[], spread: Spread): SeedBand {
  const known = new Set<number>()
  for (const curve of curves) for (const x of curve.keys()) known.add(x)
  const xs = [...known].sort((a, b) => a - b)
  const summaries = xs.map((x) => {
    const values = curves.map((curve) => curve.get(x)).filter((value) => value !== undefined)
    return { x, ...summarise(values) }
  })
  return {
    points: summaries.map(({ x, mean, n }) => ({
      x,
      y: finite(mean),
      ...(n < curves.length && { note: `${n} of ${curves.length} seeds` }),
    })),
    band: spread === 'none' ? [] : summaries.map((summary) => bandPoint(summary, spread)),
  }
}

function bandPoint({ x, mean, std = Number.NaN, min, max }: Summary & { x: number }, spread: Spread): BandPoint {
  return spread === 'range'
    ? { x, low: finite(min), high: finite(max) }
    : { x, low: finite(mean - std), high: finite(mean + std) }
}

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null)
