/**
 * The figure `range`: accuracies of architectures sampled from the distribution that a search has learned, over the
 * search's epochs (DrNAS, Figure 1).
 */
import type { AccuracyRange, RangeRecord } from '../../analysis/probes/range.ts'
import { BenchError } from '../../core/errors.ts'
import type { Column } from '../comparison/comparison.ts'
import { epochAxis, type Figure, type Series } from '../pictures/figure.ts'
import type { RunRecord } from '../runRecord.ts'
import {
  type Curve,
  inPanels,
  isOfColumn,
  qualifiersOf,
  type ShownMethod,
  seedBand,
  shownMethods,
  testColumns,
  withRuns,
} from './shared.ts'

/**
 * Returns the figure `range` of the sampled architectures' accuracies, with a panel for each test accuracy that the
 * runs report.
 * @throws BenchError `missing` if no run was measured by the probe `range`
 */
export function rangeFigure(runs: readonly RunRecord[]): Figure {
  const methods = withRuns(shownMethods(runs), (run) => records(run).length > 0)
  if (methods.length === 0) {
    throw new BenchError('missing', 'no run was measured with the range probe; run again with --probe range')
  }
  const measured = methods.flatMap((method) => method.runs)
  const panels = testColumns(measured).flatMap((column) => panelOf(methods, column, hasQuantiles(measured)))
  const samples = [...new Set(measured.flatMap((run) => records(run).map(({ record }) => record.samples)))].join(' or ')
  return {
    name: 'range',
    caption: `Accuracy of ${samples} architectures sampled from the learned distribution after every epoch: ${hasQuantiles(measured) ? '10th to 90th percentile of the samples, mean over seeds' : 'least to greatest over samples and seeds'} (band), and of the derived architecture, mean over seeds (line).`,
    columns: panels.every(({ columns }) => columns === 1) ? Math.min(3, panels.length) : panels[0].columns,
    panels: panels.flatMap((each) => each.panels),
  }
}

/**
 * Returns whether all runs recorded quantiles of the sampled accuracies. Earlier program versions did not record them.
 */
const hasQuantiles = (runs: readonly RunRecord[]): boolean =>
  runs.every((run) =>
    records(run).every(({ record }) => Object.values(record.accuracyPct).every(({ quantiles }) => quantiles)),
  )

function panelOf(methods: readonly ShownMethod[], column: Column, isQuantile: boolean) {
  const series = withRuns(methods, isOfColumn(column)).flatMap((method) => seriesOf(method, column, isQuantile))
  if (series.length === 0) return []
  const y = { label: 'accuracy (%)', scale: 'linear' } as const
  return [inPanels({ kind: 'plot', title: column.title, x: epochAxis, y, series })]
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
  const [lows, highs] = isQuantile
    ? [curve(({ quantiles }) => quantiles?.p10), curve(({ quantiles }) => quantiles?.p90)].map((each) => meansOf(each))
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
  return [{ label, look, form: 'line', points, band: points.map(({ x }, i) => ({ x, low: lows[i], high: highs[i] })) }]
}

/** Returns at each x the mean of the curves of several seeds. */
const meansOf = (curves: readonly Curve[]): readonly (number | null)[] =>
  seedBand(curves, 'none').points.map(({ y }) => y)

const records = ({ epochs }: RunRecord) =>
  epochs.flatMap(({ epoch, probes }) =>
    probes?.range === undefined ? [] : [{ epoch, record: probes.range as RangeRecord }],
  )
