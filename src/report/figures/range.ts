/**
 * The figure `range`: accuracies of architectures sampled from the distribution that a search has learned, over the
 * search's epochs (DrNAS, Figure 1).
 */
import type { RangeRecord } from '../../analysis/probes/range.ts'
import { BenchError } from '../../core/errors.ts'
import type { Column } from '../comparison/comparison.ts'
import { epochAxis, type Figure, type Plot, type Series } from '../pictures/figure.ts'
import type { RunRecord } from '../runRecord.ts'
import { isOfColumn, qualifiersOf, type ShownMethod, seedBand, shownMethods, testColumns, withRuns } from './shared.ts'

/**
 * Returns the figure of the sampled architectures' accuracies, with a panel for each test accuracy that the runs
 * report. @throws BenchError `missing` where no run has the probe `range`
 */
export function rangeFigure(runs: readonly RunRecord[]): Figure {
  const methods = withRuns(shownMethods(runs), (run) => records(run).length > 0)
  if (methods.length === 0) {
    throw new BenchError('missing', 'no run was measured with the range probe; run again with --probe range')
  }
  const measured = methods.flatMap((method) => method.runs)
  const panels = testColumns(measured).flatMap((column) => panelOf(methods, column))
  const samples = [...new Set(measured.flatMap((run) => records(run).map(({ record }) => record.samples)))].join(' or ')
  return {
    name: 'range',
    caption: `Accuracy of ${samples} architectures sampled from the learned distribution after every epoch: least to greatest over samples and seeds (band), and of the derived architecture, mean over seeds (line).`,
    columns: Math.min(3, panels.length),
    panels,
  }
}

function panelOf(methods: readonly ShownMethod[], column: Column): Plot[] {
  const series = withRuns(methods, isOfColumn(column)).flatMap((method) => seriesOf(method, column))
  if (series.length === 0) return []
  return [
    {
      kind: 'plot',
      title: column.title,
      x: epochAxis,
      y: { label: 'accuracy (%)', scale: 'linear' },
      series,
    },
  ]
}

function seriesOf({ label, look, runs }: ShownMethod, column: Column): Series[] {
  const curve = (pick: 'derived' | 'min' | 'max') =>
    runs.map((run) => {
      const qualifier = qualifiersOf(run, column)?.test ?? ''
      return new Map(
        records(run).flatMap(({ epoch, record }) => {
          const range = record.accuracyPct[qualifier]
          return range === undefined ? [] : [[epoch + 1, range[pick] ?? Number.NaN]]
        }),
      )
    })
  const { points } = seedBand(curve('derived'), 'range')
  const lows = seedBand(curve('min'), 'range').band
  const highs = seedBand(curve('max'), 'range').band
  if (points.length === 0) return []
  const band = lows.map(({ x, low }, i) => ({ x, low, high: highs[i].high }))
  return [{ label, look, form: 'line', points, band }]
}

const records = ({ epochs }: RunRecord) =>
  epochs.flatMap(({ epoch, probes }) =>
    probes?.range === undefined ? [] : [{ epoch, record: probes.range as RangeRecord }],
  )
