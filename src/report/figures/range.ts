/**
 * The figure `range`: accuracies of architectures sampled from the distribution that a search has learned, over the
 * search's epochs (DrNAS, Figure 1).
 */
import type { AccuracyRange, RangeRecord } from '../../analysis/probes/range.ts'
import { BenchError } from '../../core/errors.ts'
import type { Column } from '../comparison/comparison.ts'
import { epochAxis, type Figure, type Plot, type Series } from '../pictures/figure.ts'
import type { RunRecord } from '../runRecord.ts'
import {
  type Curve,
  isOfColumn,
  qualifiersOf,
  rangeOf,
  type ShownMethod,
  seedBand,
  shownMethods,
  testColumns,
  withRuns,
} from './shared.ts'

/** Largest number of methods of which the figure shows all test accuracies; of more, those of the dataset searched on. */
const MOST_WITH_ALL = 4

/**
 * Returns the figure `range` of the sampled architectures' accuracies, with a panel for each method and test accuracy
 * that the runs report. Of more than four methods it shows the accuracy on the dataset searched on alone.
 * @throws BenchError `missing` if no run was measured by the probe `range`
 */
export function rangeFigure(runs: readonly RunRecord[]): Figure {
  const methods = withRuns(shownMethods(runs), (run) => records(run).length > 0)
  if (methods.length === 0) {
    throw new BenchError('missing', 'no run was measured with the range probe; run again with --probe range')
  }
  const measured = methods.flatMap((method) => method.runs)
  const isQuantile = hasQuantiles(measured)
  const all = testColumns(measured)
  const columns = methods.length > MOST_WITH_ALL ? all.filter(({ dataset, searchedOn }) => dataset === searchedOn) : all
  const panels = columns.flatMap((column) => panelsOf(methods, column, { isQuantile, isNamed: columns.length > 1 }))
  const samples = [...new Set(measured.flatMap((run) => records(run).map(({ record }) => record.samples)))].join(' or ')
  return {
    name: 'range',
    caption: `Accuracy of ${samples} architectures sampled from the learned distribution after every epoch: their mean (thin line) and ${isQuantile ? '25th to 75th percentile (band; lighter: 10th to 90th percentile), means' : 'least to greatest (band)'} over seeds; the line with markers is the derived architecture, mean over seeds.`,
    columns: Math.min(methods.length === 2 ? 2 : 3, panels.length),
    panels,
  }
}

/**
 * Returns whether all runs recorded quantiles of the sampled accuracies. Earlier program versions did not record them.
 */
const hasQuantiles = (runs: readonly RunRecord[]): boolean =>
  runs.every((run) =>
    records(run).every(({ record }) => Object.values(record.accuracyPct).every(({ quantiles }) => quantiles)),
  )

/** Returns the panels of one test accuracy, one for each method, with the same axes: bands together would mix. */
function panelsOf(
  methods: readonly ShownMethod[],
  column: Column,
  { isQuantile, isNamed }: { readonly isQuantile: boolean; readonly isNamed: boolean },
): readonly Plot[] {
  const shown = withRuns(methods, isOfColumn(column))
    .map((method) => ({ label: method.label, series: seriesOf(method, column, isQuantile) }))
    .filter(({ series }) => series.length > 0)
  if (shown.length === 0) return []
  const atLeast = rangeOf(shown.flatMap(({ series }) => series))
  const y = { label: 'accuracy (%)', scale: 'linear', atLeast } as const
  return shown.map(({ label, series }) => {
    const title = isNamed ? `${label}, ${column.title}` : label
    return { kind: 'plot', title, x: epochAxis, y, series }
  })
}

/**
 * Type of a function that reads one statistic of the sampled accuracies, such as their mean; undefined where it was not
 * recorded.
 */
type Pick = (range: AccuracyRange) => number | undefined

function seriesOf({ label, look, runs }: ShownMethod, column: Column, isQuantile: boolean): Series[] {
  const curve = (pick: Pick) =>
    runs.map((run) => {
      const qualifier = qualifiersOf(run, column)?.test ?? ''
      return new Map(
        records(run).flatMap(({ epoch, record }) => {
          const range = record.accuracyPct[qualifier]
          return range === undefined ? [] : [[epoch + 1, pick(range) ?? Number.NaN]]
        }),
      )
    })
  const { points } = seedBand(
    curve(({ derived }) => derived),
    'range',
  )
  if (points.length === 0) return []
  const pointsOf = (curves: readonly Curve[]) => seedBand(curves, 'none').points
  const between = (low: readonly (number | null)[], high: readonly (number | null)[]) =>
    points.map(({ x }, i) => ({ x, low: low[i], high: high[i] }))
  const means = {
    ...{ label: `${label}, mean of the samples`, partOf: label, unnamed: true, thin: true },
    ...{ look: { ...look, dash: [3, 2] }, form: 'line' as const, points: pointsOf(curve(({ mean }) => mean)) },
  }
  const [p25, p75] = [curve(({ quantiles }) => quantiles?.p25), curve(({ quantiles }) => quantiles?.p75)].map(meansOf)
  const [lows, highs] = isQuantile
    ? [curve(({ quantiles }) => quantiles?.p10), curve(({ quantiles }) => quantiles?.p90)].map(meansOf)
    : [
        seedBand(
          curve(({ min }) => min),
          'range',
        ).band.map(({ low }) => low),
        seedBand(
          curve(({ max }) => max),
          'range',
        ).band.map(({ high }) => high),
      ]
  return [
    { label, look, form: 'line', points, band: between(lows, highs), unnamed: true },
    { ...means, ...(isQuantile && { band: between(p25, p75) }) },
  ]
}

/** Returns at each x the mean of the curves of several seeds. */
const meansOf = (curves: readonly Curve[]): readonly (number | null)[] =>
  seedBand(curves, 'none').points.map(({ y }) => y)

const records = ({ epochs }: RunRecord) =>
  epochs.flatMap(({ epoch, probes }) =>
    probes?.range === undefined ? [] : [{ epoch, record: probes.range as RangeRecord }],
  )
