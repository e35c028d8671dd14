/** What a search would answer, over its epochs or over a black-box search's simulated clock. */
import { BenchError } from '../../core/errors.ts'
import { type Column, datasetTitle } from '../comparison/comparison.ts'
import { improvements } from '../improvements.ts'
import { epochAxis, type Figure, type Plot, type Series } from '../pictures/figure.ts'
import type { RunRecord } from '../runRecord.ts'
import { accuracyOf, isOfColumn, qualifiersOf, testColumns } from './headline.ts'
import { customarySpread, type Spread, seedBand, spreadWords } from './seedBands.ts'
import { type ShownMethod, shownMethods, withRuns } from './shownMethods.ts'

/** Points of a curve over the simulated clock, at most. */
const MOST_TIMES = 80

/** @throws BenchError `missing` where no run has a looked-up number over time */
export function anytimeFigure(runs: readonly RunRecord[], spread?: Spread): Figure {
  const methods = shownMethods(runs)
  const shown = spread ?? customarySpread(methods)
  const byEpoch = testColumns(runs).map((column) => epochPanel(methods, column, shown))
  const panels = [...byEpoch, ...clockPanels(methods, shown)].filter(({ series }) => series.length > 0)
  if (panels.length === 0) {
    throw new BenchError('missing', 'no run has looked-up numbers over time; run with a table (--table)')
  }
  return {
    name: 'anytime',
    caption: `Accuracy of the architecture that the search would answer; ${spreadWords(shown)}. Test numbers are looked up afterwards; no search sees them.`,
    columns: Math.min(3, panels.length),
    panels,
  }
}

/** Searches that train, on the dataset of a column. */
function epochPanel(methods: readonly ShownMethod[], column: Column, spread: Spread): Plot {
  const isShown = isOfColumn(column)
  const trained = withRuns(methods, (run) => isShown(run) && run.result?.oracle === undefined)
  const curves = ({ runs }: ShownMethod) => runs.map((run) => epochCurve(run, qualifiersOf(run, column)?.test))
  return {
    kind: 'plot',
    title: column.title,
    x: epochAxis,
    y: { label: 'accuracy (%)', scale: 'linear' },
    series: trained.flatMap((method) => seriesOf(method, curves(method), 'line', spread)),
  }
}

/** Black-box searches on each dataset. */
function clockPanels(methods: readonly ShownMethod[], spread: Spread): Plot[] {
  const asking = withRuns(methods, ({ result }) => (result?.oracle?.queries.length ?? 0) > 0)
  const datasets = [...new Set(asking.flatMap(({ runs }) => runs.map(datasetOf)))]
  return datasets.map((dataset) => {
    const here = withRuns(asking, (run) => datasetOf(run) === dataset)
    return clockPanel(here, datasets.length > 1 ? `: ${datasetTitle(dataset)}` : '', spread)
  })
}

const datasetOf = ({ manifest }: RunRecord): string => manifest.job.dataset.name

/** Validation answers: the best so far, as a step. */
function clockPanel(methods: readonly ShownMethod[], where: string, spread: Spread): Plot {
  return {
    kind: 'plot',
    title: `best answer of the oracle${where}`,
    x: { label: 'simulated time (s)', scale: 'log' },
    y: { label: 'validation accuracy (%)', scale: 'linear' },
    series: methods.flatMap((method) => seriesOf(method, onOneClock(method.runs.map(incumbents)), 'steps', spread)),
  }
}

function seriesOf(
  { label, look }: ShownMethod,
  curves: readonly ReadonlyMap<number, number>[],
  form: Series['form'],
  spread: Spread,
): Series[] {
  const { points, band } = seedBand(curves, spread)
  return points.length === 0 ? [] : [{ label, look, form, points, band }]
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
  const start = curves.reduce((latest, [first]) => Math.max(latest, first?.[0] ?? 0), 0)
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
