/** Size against accuracy: every run's architecture, and those that no other beats in both. */
import { BenchError } from '../../core/errors.ts'
import type { Column } from '../comparison/comparison.ts'
import { groupByMethod } from '../methods.ts'
import type { Figure, Plot, Point, Series } from '../pictures/figure.ts'
import { lookOf } from '../pictures/palette.ts'
import type { RunRecord } from '../runRecord.ts'
import { accuracyOf, qualifiersOf, searchedOn, testColumns } from './headline.ts'

export const paretoCosts = {
  parameters: { label: 'parameters (M)', unit: 1e6 },
  macs: { label: 'multiply-accumulates (M)', unit: 1e6 },
} as const

export type ParetoCost = keyof typeof paretoCosts

/** @throws BenchError `missing` where no finished run has both numbers */
export function paretoFigure(runs: readonly RunRecord[], cost: ParetoCost = 'parameters'): Figure {
  const panels = testColumns(runs)
    .map((column) => panelOf(searchedOn(runs, column), column, cost))
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

function panelOf(runs: readonly RunRecord[], column: Column, cost: ParetoCost): Plot {
  const methods = groupByMethod(runs).map(({ label, algorithm, variant, runs: seeds }): Series => {
    const points = seeds.flatMap((run) => pointOf(run, column, cost))
    return { label, look: lookOf(algorithm, variant), form: 'points', points }
  })
  const series = methods.filter(({ points }) => points.length > 0)
  const front = paretoFront(series.flatMap(({ points }) => points))
  return {
    kind: 'plot',
    title: column.title,
    x: { label: paretoCosts[cost].label, scale: 'linear' },
    y: { label: 'accuracy (%)', scale: 'linear' },
    series: [frontSeries(front, column.title), ...series],
  }
}

function pointOf(run: RunRecord, column: Column, cost: ParetoCost): Point[] {
  const { result, manifest } = run
  const size = result?.[cost]
  const accuracyPct = accuracyOf(result?.metrics ?? [], qualifiersOf(run, column)?.test)
  if (size === undefined || accuracyPct === undefined) return []
  return [{ x: size / paretoCosts[cost].unit, y: accuracyPct, note: `seed ${manifest.job.seed}: ${result?.genotype}` }]
}

/** Points that no other point equals or beats in both, by size. */
export function paretoFront(points: readonly Point[]): readonly Point[] {
  let best = Number.NEGATIVE_INFINITY
  return points
    .filter((point): point is Point & { y: number } => point.y !== null && Number.isFinite(point.y))
    .sort((a, b) => a.x - b.x || b.y - a.y)
    .filter(({ y }) => {
      const better = y > best
      if (better) best = y
      return better
    })
}

const frontSeries = (points: readonly Point[], label: string): Series => ({
  label: `${label} front`,
  look: { colour: '#9aa0a6', dash: [3, 2], marker: 'circle' },
  form: 'steps',
  points: points.map(({ x, y }) => ({ x, y })),
  unnamed: true,
})
