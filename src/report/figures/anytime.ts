/** What a search would answer, over its epochs or over a black-box search's simulated clock. */
import { BenchError } from '../../core/errors.ts'
import { datasetTitle } from '../comparison/comparison.ts'
import { improvements } from '../improvements.ts'
import { groupByMethod, type Method } from '../methods.ts'
import { epochAxis, type Figure, type Plot, type Series } from '../pictures/figure.ts'
import { lookOf } from '../pictures/palette.ts'
import type { RunRecord } from '../runRecord.ts'
import { accuracyOf, qualifiersOf, searchedOn, testColumns } from './headline.ts'
import { type Spread, seedBand, spreadNames } from './seedBands.ts'

/** Points of a curve over the simulated clock, at most. */
const MOST_TIMES = 80
const MANY_SEEDS = 20

/** @throws BenchError `missing` where no run has a looked-up number over time */
export function anytimeFigure(runs: readonly RunRecord[], spread: Spread = customarySpread(runs)): Figure {
  const byEpoch = testColumns(runs).map((column): Plot => {
    const methods = groupByMethod(searchedOn(runs, column).filter(({ result }) => result?.oracle === undefined))
    const curves = ({ runs: seeds }: Method) => seeds.map((run) => epochCurve(run, qualifiersOf(run, column)?.test))
    return {
      kind: 'plot',
      title: column.title,
      x: epochAxis,
      y: { label: 'accuracy (%)', scale: 'linear' },
      series: methods.flatMap((method) => seriesOf(method, curves(method), 'line', spread)),
    }
  })
  const panels = [...byEpoch, ...clockPanels(runs, spread)].filter(({ series }) => series.length > 0)
  if (panels.length === 0) {
    throw new BenchError('missing', 'no run has looked-up numbers over time; run with a table (--table)')
  }
  return {
    name: 'anytime',
    caption: `Accuracy of the architecture that the search would answer; mean and ${spreadNames[spread]} over seeds. Test numbers are looked up afterwards; no search sees them.`,
    columns: Math.min(3, panels.length),
    panels,
  }
}

/** The extremes of many seeds say less than their deviation. */
const customarySpread = (runs: readonly RunRecord[]): Spread =>
  groupByMethod(runs).some(({ runs: seeds }) => seeds.length > MANY_SEEDS) ? 'std' : 'range'

/** Black-box searches on each dataset. */
function clockPanels(runs: readonly RunRecord[], spread: Spread): Plot[] {
  const asking = runs.filter(({ result }) => (result?.oracle?.queries.length ?? 0) > 0)
  const datasets = [...new Set(asking.map(({ manifest }) => manifest.job.dataset.name))]
  return datasets.map((dataset) => {
    const own = asking.filter(({ manifest }) => manifest.job.dataset.name === dataset)
    return clockPanel(own, datasets.length > 1 ? `: ${datasetTitle(dataset)}` : '', spread)
  })
}

/** Validation answers: the best so far, as a step. */
function clockPanel(runs: readonly RunRecord[], where: string, spread: Spread): Plot {
  const methods = groupByMethod(runs)
  return {
    kind: 'plot',
    title: `best answer of the oracle${where}`,
    x: { label: 'simulated time (s)', scale: 'log' },
    y: { label: 'validation accuracy (%)', scale: 'linear' },
    series: methods.flatMap((method) => seriesOf(method, onOneClock(method.runs.map(incumbents)), 'steps', spread)),
  }
}

function seriesOf(
  { label, algorithm, variant }: Method,
  curves: readonly ReadonlyMap<number, number>[],
  form: Series['form'],
  spread: Spread,
): Series[] {
  const { points, band } = seedBand(curves, spread)
  return points.length === 0 ? [] : [{ label, look: lookOf(algorithm, variant), form, points, band }]
}

const epochCurve = ({ epochs }: RunRecord, qualifier: string | undefined) =>
  new Map(
    epochs.flatMap(({ epoch, metrics }) => {
      const accuracyPct = accuracyOf(metrics, qualifier)
      return accuracyPct === undefined ? [] : [[epoch + 1, accuracyPct] as const]
    }),
  )

/** Time ↦ best accuracy until then, where it improves. */
const incumbents = ({ result }: RunRecord): [number, number][] =>
  improvements(result?.oracle?.queries ?? []).map(({ usedSeconds, accuracyPct }) => [usedSeconds, accuracyPct])

/** Every curve at every time at which any changes, from the time on at which all have an answer. */
function onOneClock(curves: readonly (readonly [number, number][])[]): ReadonlyMap<number, number>[] {
  const start = Math.max(...curves.map(([first]) => first?.[0] ?? 0))
  const changes = new Set(curves.flatMap((curve) => curve.map(([time]) => time)).filter((time) => time >= start))
  const times = thinned([...changes].sort((a, b) => a - b))
  const at = (curve: readonly [number, number][], time: number) => curve.findLast(([when]) => when <= time)?.[1]
  return curves.map((curve) => new Map(times.map((time) => [time, at(curve, time) ?? Number.NaN])))
}

/** Of many ascending times some, as evenly as can be on a logarithmic axis, first and last among them. */
function thinned(times: readonly number[]): readonly number[] {
  if (times.length <= MOST_TIMES) return times
  const [first, last] = [times[0], times[times.length - 1]]
  const wanted = Array.from({ length: MOST_TIMES }, (_, i) => first * (last / first) ** (i / (MOST_TIMES - 1)))
  return [...new Set(wanted.map((time) => times.findLast((known) => known <= time * (1 + 1e-9)) ?? first))]
}
