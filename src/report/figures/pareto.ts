/** Size against accuracy: every run's architecture, and those that no other beats in both. */
import { BenchError } from '../../core/errors.ts'
import { paretoFront } from '../../tables/paretoFront.ts'
import type { Column } from '../comparison/comparison.ts'
import type { Figure, Plot, Point, Series } from '../pictures/figure.ts'
import type { RunRecord } from '../runRecord.ts'
import { accuracyOf, isOfColumn, qualifiersOf, testColumns } from './headline.ts'
import { type ShownMethod, shownMethods, withRuns } from './shownMethods.ts'

export const paretoCosts = {
  parameters: { label: 'parameters (M)', unit: 1e6 },
  macs: { label: 'multiply-accumulates (M)', unit: 1e6 },
} as const

export type ParetoCost = keyof typeof paretoCosts

/** @throws BenchError `missing` where no finished run has both numbers */
export function paretoFigure(runs: readonly RunRecord[], cost: ParetoCost = 'parameters'): Figure {
  const methods = shownMethods(runs)
  const panels = testColumns(runs)
    .map((column) => panelOf(withRuns(methods, isOfColumn(column)), column, cost))
    .filter(({ series }) => series.length > 1)
  if (panels.length === 0) {
    throw new BenchError('missing', `no finished run has both a test number and ${paretoCosts[cost].label}`)
  }
  return {
    name: 'pareto',
    caption:
      'Architectures found, one point a seed; the line joins those that no other beats in both size and accuracy.',
    columns: Math.min(3, panels.length),
    panels,
  }
}

function panelOf(methods: readonly ShownMethod[], column: Column, cost: ParetoCost): Plot {
  const found = methods.map(({ label, look, runs }): Series => {
    const points = runs.flatMap((run) => pointOf(run, column, cost))
    return { label, look, form: 'points', points }
  })
  const series = found.filter(({ points }) => points.length > 0)
  return {
    kind: 'plot',
    title: column.title,
    x: { label: paretoCosts[cost].label, scale: 'linear' },
    y: { label: 'accuracy (%)', scale: 'linear' },
    series: [frontSeries(series, column.title), ...series],
  }
}

function pointOf(run: RunRecord, column: Column, cost: ParetoCost): Point[] {
  const { result, manifest } = run
  const size = result?.[cost]
  const accuracyPct = accuracyOf(result?.metrics ?? [], qualifiersOf(run, column)?.test)
  if (size === undefined || accuracyPct === undefined) return []
  return [{ x: size / paretoCosts[cost].unit, y: accuracyPct, note: `seed ${manifest.job.seed}: ${result?.genotype}` }]
}

/** The smallest first. */
function frontSeries(series: readonly Series[], title: string): Series {
  const points = series.flatMap((each) => each.points.flatMap(({ x, y }) => (y === null ? [] : [{ x, y }])))
  return {
    label: `${title} front`,
    look: { colour: '#9aa0a6', dash: [3, 2], marker: 'circle' },
    form: 'steps',
    points: paretoFront(points, 'lower', 'higher'),
    unnamed: true,
  }
}
