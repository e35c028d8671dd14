/**
 * Functions that several figures share: which test accuracies and methods a figure shows, and how the curves of several
 * seeds become one line with a band.
 */

import { quantile } from 'simple-statistics'
import { type Summary, summarise } from '../../analysis/statistics/summary.ts'
import { extent } from '../../core/numbers.ts'
import { onceEach } from '../../core/onceEach.ts'
import { pluralize } from '../../core/plainText.ts'
import { distinct, groupBy } from '../../system/groupBy.ts'
import { type Column, compare, datasetTitle } from '../comparison/comparison.ts'
import { groupByMethod, type Method, oneRunPerSeed } from '../methods.ts'
import type { Axis, BandPoint, Figure, Plot, Point, Series } from '../pictures/figure.ts'
import { type Look, looksOf } from '../pictures/palette.ts'
import { datasetOf, type RunRecord } from '../runRecord.ts'

/** Returns the columns of a comparison of these runs that show test accuracies. */
export const testColumns = onceEach((runs: readonly RunRecord[]): readonly Column[] =>
  compare(runs, { mix: true }).columns.filter(({ split }) => split === 'test'),
)

/**
 * Returns a function that tells whether a run searched on the dataset on which the architectures of the given column
 * were searched.
 */
export const isOfColumn =
  (column: Column) =>
  (run: RunRecord): boolean =>
    datasetOf(run) === column.searchedOn

/**
 * Returns the names (dataset/split/epochs/seed) of the validation and test accuracy that a run's protocol reports for a
 * column's dataset.
 */
export function qualifiersOf({ manifest: { job } }: RunRecord, { dataset }: Column) {
  return job.protocol.headline[job.dataset.name]?.find((headline) => headline.dataset === dataset)
}

export interface ShownMethod extends Method {
  readonly look: Look
}

/**
 * Returns the runs of a figure grouped by method, each with its label, colour, dash and marker, which are the same in
 * all panels.
 * @param runs all runs of the figure, including those that some panels leave out
 */
export const shownMethods = onceEach((runs: readonly RunRecord[]): readonly ShownMethod[] => {
  const methods = groupByMethod(runs)
  const looks = looksOf(methods)
  return methods.map((method, i) => ({ ...method, look: looks[i] }))
})

/**
 * Returns a function that tells with which label and look a figure of all these runs shows a method, also where the
 * method was grouped from some of the runs only.
 */
export function shownAs(runs: readonly RunRecord[]): (method: Method) => Pick<ShownMethod, 'label' | 'look'> {
  const methodOf = new Map(shownMethods(runs).flatMap((method) => method.runs.map((run) => [run, method] as const)))
  return ({ runs: [first] }) => methodOf.get(first) as ShownMethod
}

/**
 * Returns the methods with runs that meet a condition, with one such run for each seed. @throws BenchError `bad-input`
 * as `oneRunPerSeed`
 */
export const withRuns = (
  methods: readonly ShownMethod[],
  isShown: (run: RunRecord) => boolean,
): readonly ShownMethod[] =>
  methods
    .map((method) => {
      const runs = method.runs.filter(isShown)
      return oneRunPerSeed(runs.length === method.runs.length ? method : { ...method, runs })
    })
    .filter(({ runs }) => runs.length > 0)

/** Methods of a figure with their runs on one dataset, which share panels. */
export interface MethodsOnDataset {
  readonly dataset: string
  /** Title of the dataset, for the panels; '' if all methods searched on one dataset. */
  readonly title: string
  readonly methods: readonly ShownMethod[]
}

/** Returns the methods once for each dataset that they searched on: runs on different images make no common mean. */
export function onEachDataset(methods: readonly ShownMethod[]): readonly MethodsOnDataset[] {
  const datasets = distinct(methods.flatMap(({ runs }) => runs.map(datasetOf)))
  return datasets.map((dataset) => ({
    dataset,
    title: datasets.length > 1 ? datasetTitle(dataset) : '',
    methods: datasets.length > 1 ? withRuns(methods, (run) => datasetOf(run) === dataset) : methods,
  }))
}

/** If a search has more points than this, points at the same position are merged, since they would cover each other. */
const MANY_POINTS = 200

/**
 * Returns the points of a search, one for each seed. Of more than 200 points, those at the same position are merged
 * into one, whose note gives their number.
 */
export function withoutRepeats(points: readonly Point[]): readonly Point[] {
  if (points.length <= MANY_POINTS) return points
  return [...groupBy(points, ({ x, y }) => `${x} ${y}`).values()].map(([first, ...others]) =>
    others.length === 0 ? first : { ...first, note: `${first.note}; ${pluralize(others.length, 'other seed')} here` },
  )
}

/**
 * Returns sentences for a caption which say that one point can stand for several seeds; empty if no search has that
 * many seeds.
 */
export const repeatWords = (methods: readonly Method[]): readonly string[] =>
  methods.some(({ runs }) => runs.length > MANY_POINTS)
    ? [`Of a search with more than ${MANY_POINTS} seeds, those that ended at the same place share a point.`]
    : []

/**
 * What the band around a curve shows: `range` is min to max over the seeds, `std` is ± 1 standard deviation, `none` is
 * no band.
 */
export type Spread = 'range' | 'std' | 'none'

const NAMES: Readonly<Record<Spread, string>> = { range: ' and min to max', std: ' and ± 1 std', none: '' }

/** Returns the phrase of a caption that explains line and band, such as `mean and min to max over seeds`. */
export const spreadWords = (spread: Spread): string => `mean${NAMES[spread]} over seeds`

/** Largest number of seeds of which each can be shown; of more, bands show the standard deviation by default. */
export const MANY_SEEDS = 20

/** Returns what the bands of a figure show by default: `std` if a method has more than 20 runs, else `range`. */
export const customarySpread = (methods: readonly Method[]): Spread => spreadFor(methods.map(({ runs }) => runs.length))

/**
 * Returns what bands show by default: `std` for many seeds, `range` for few. @param seeds number of seeds of each line
 */
export const spreadFor = (seeds: readonly number[]): Spread =>
  seeds.some((count) => count > MANY_SEEDS) ? 'std' : 'range'

/** Largest number of lines with bands that can be told apart in one panel. */
export const MOST_TOGETHER = 4
/** Colour, dash and marker of the lines in the background of a panel. */
const BACKGROUND: Look = { colour: 'behind', dash: [], marker: 'circle' }

/**
 * Returns the panels of a plot of lines. Up to four lines share a panel. If there are more, their bands would hide each
 * other, so each line gets its own panel with the same axes, in which the other lines are grey in the background.
 * @param most largest number of lines that share a panel
 */
export function inPanels(plot: Plot, most = MOST_TOGETHER): Pick<Figure, 'panels' | 'columns'> {
  const { series, title } = plot
  if (series.length <= most) return { panels: [plot], columns: 1 }
  const y = { ...plot.y, atLeast: plot.y.atLeast ?? rangeOf(series) }
  const panels = series.map((own): Plot => {
    const others = series.filter((line) => line !== own)
    const behind = others.map(({ band: _, ...line }) => ({ ...line, look: BACKGROUND, unnamed: true, thin: true }))
    const name = title === '' ? own.label : `${own.label}, ${title}`
    return { ...plot, title: name, y, series: [...behind, { ...own, unnamed: true }] }
  })
  return { panels, columns: columnsFor(series.length) }
}

/** Returns the panels of several plots, as `inPanels` returns those of one. */
export function inPanelsOfAll(plots: readonly Plot[], most = MOST_TOGETHER): Pick<Figure, 'panels' | 'columns'> {
  const drawn = plots.map((plot) => inPanels(plot, most))
  const isSplit = drawn.some(({ panels }) => panels.length > 1)
  return {
    panels: drawn.flatMap(({ panels }) => panels),
    columns: isSplit ? Math.max(...drawn.map(({ columns }) => columns)) : Math.min(2, plots.length),
  }
}

/** Returns how many panels stand side by side: at most four, and as few places as possible stay empty. */
export const columnsFor = (panels: number): number => (panels > 6 ? 4 : panels === 2 || panels === 4 ? 2 : 3)

/**
 * Returns an axis for accuracies in % on which all lines are visible. A band that reaches far below the lines is cut
 * off.
 */
export function accuracyAxis(series: readonly Series[]): Axis {
  const axis: Axis = { label: 'accuracy (%)', scale: 'linear' }
  const [low, high] = rangeOf(series.map(({ points, ...line }) => ({ ...line, points, band: [] })))
  const [least] = rangeOf(series)
  const cut = Math.floor(low - 0.2 * (high - low))
  return least < cut ? { ...axis, limits: [cut, undefined] } : axis
}

/** Returns the smallest and the largest value of the lines and their bands. */
export function rangeOf(series: readonly Series[]): [number, number] {
  const values = series.flatMap(({ points, band = [] }) => [
    ...points.map(({ y }) => y),
    ...band.flatMap(({ low, high }) => [low, high]),
  ])
  const known = values.filter((value) => value !== null)
  return extent(known)
}

/**
 * Returns the value below which an accuracy axis is cut off, so that single low values do not compress the others: Q −
 * 3 · (greatest − Q), with Q the lower quartile of the values.
 * @param greatest greatest value of the axis; absent: the greatest of `values`
 */
export function lowerCut(values: readonly number[], greatest = extent(values)[1]): number {
  const quartile = quantile([...values], 0.25)
  return quartile - 3 * Math.max(greatest - quartile, 0.5)
}

/**
 * Returns the value above which an axis of losses is cut off, so that single high values do not compress the others: Q
 * + 3 · (Q − least), with Q the upper quartile of the values.
 */
export function upperCut(values: readonly number[]): number {
  const quartile = quantile([...values], 0.75)
  return quartile + 3 * Math.max(quartile - extent(values)[0], 0.1)
}

export interface SeedBand {
  readonly points: readonly Point[]
  readonly band: readonly BandPoint[]
}

/** Returns mean and band of the curves of several runs. */
export const bandOfRuns = (runs: readonly RunRecord[], curveOf: (run: RunRecord) => Curve, spread: Spread): SeedBand =>
  seedBand(eachCurve(runs, curveOf), spread)

/** Returns the curve of each run, made when it is needed. */
export function* eachCurve(runs: readonly RunRecord[], curveOf: (run: RunRecord) => Curve): Generator<Curve> {
  for (const run of runs) yield curveOf(run)
}

/** The curve of one seed: a map from x, such as the epoch, to y. */
export type Curve = Pick<ReadonlyMap<number, number>, 'size' | 'keys' | 'get'>

/**
 * Returns the mean and the band of the curves of several seeds at every x at which any curve has a value. The mean is
 * over the curves that have a value at x; it is null, a gap in the line, if one of these values is not finite. The
 * `std` band of a single curve is empty.
 * @param curves taken one after the other, so that thousands of them need not be in memory at once (see `eachCurve`)
 */
export function seedBand(curves: Iterable<Curve>, spread: Spread): SeedBand {
  const known = new Map<number, number[]>()
  let seeds = 0
  for (const curve of curves) {
    seeds++
    for (const x of curve.keys()) {
      const value = curve.get(x)
      if (value === undefined) continue
      const values = known.get(x)
      if (values === undefined) known.set(x, [value])
      else values.push(value)
    }
  }
  const summaries = [...known].sort(([a], [b]) => a - b).map(([x, values]) => ({ x, ...summarise(values) }))
  return {
    points: summaries.map(({ x, mean, n }) => ({
      x,
      y: finite(mean),
      ...(n < seeds && { note: `${n} of ${seeds} seeds` }),
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
