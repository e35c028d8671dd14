/** What a search would answer, over its epochs or over a black-box search's simulated clock. */
import { BenchError } from '../../core/errors.ts'
import { accuracyOf } from '../../core/metric.ts'
import { capitalize } from '../../core/plainText.ts'
import { improvements } from '../../runner/store/runSummary.ts'
import { type Column, datasetTitle } from '../comparison/comparison.ts'
import { epochAxis, type Figure, type Plot, type Series } from '../pictures/figure.ts'
import type { RunRecord } from '../runRecord.ts'
import { isOfColumn, qualifiersOf, testColumns } from './headline.ts'
import { customarySpread, type Spread, seedBand, spreadWords } from './seedBands.ts'
import { type ShownMethod, shownMethods, withRuns } from './shownMethods.ts'

/** Points of a curve over the simulated clock, at most. */
const MOST_TIMES = 80

/** A panel whose curves are not yet summarised over the seeds. */
interface Curves {
  readonly plot: Omit<Plot, 'series'>
  readonly form: Series['form']
  readonly methods: readonly { readonly method: ShownMethod; readonly seeds: readonly ReadonlyMap<number, number>[] }[]
}

/**
 * @param spread of the seeds; absent: the customary one of what is drawn
 * @throws BenchError `missing` where no run has a looked-up number over time
 */
export function anytimeFigure(runs: readonly RunRecord[], spread?: Spread): Figure {
  const all = shownMethods(runs)
  const [byEpoch, byClock] = [testColumns(runs).map((column) => epochCurves(all, column)), clockCurves(all)].map(drawn)
  const panels = [...byEpoch, ...byClock]
  if (panels.length === 0) {
    throw new BenchError('missing', 'no run has looked-up numbers over time; run with a table (--table)')
  }
  const crowded = panels.reduce((most, panel) => (panel.methods.length > most.methods.length ? panel : most))
  const shown = spread ?? customarySpread(crowded.methods.map(({ method }) => method))
  return {
    name: 'anytime',
    caption: [
      ...(byEpoch.length > 0
        ? [
            `Test accuracy of the architecture that a search would answer after each epoch; looked up afterwards, no search sees it.`,
          ]
        : []),
      ...(byClock.length > 0
        ? [
            `Best validation accuracy that the oracle has told a black-box search by a simulated time, from the time on at which every seed has an answer.`,
          ]
        : []),
      `${capitalize(spreadWords(shown))}.`,
    ].join(' '),
    columns: Math.min(3, panels.length),
    panels: panels.map(({ plot, form, methods }) => ({
      ...plot,
      series: methods.map(({ method: { label, look }, seeds }) => ({ label, look, form, ...seedBand(seeds, shown) })),
    })),
  }
}

/** The panels that have something to draw, with the methods that have a curve in them. */
const drawn = (panels: readonly Curves[]): Curves[] =>
  panels
    .map((panel) => ({ ...panel, methods: panel.methods.filter(({ seeds }) => seeds.some(({ size }) => size > 0)) }))
    .filter(({ methods }) => methods.length > 0)

/** Searches that train, on the dataset of a column. */
function epochCurves(methods: readonly ShownMethod[], column: Column): Curves {
  const isShown = isOfColumn(column)
  const trained = withRuns(methods, (run) => isShown(run) && run.result?.oracle === undefined)
  return {
    plot: { kind: 'plot', title: column.title, x: epochAxis, y: { label: 'accuracy (%)', scale: 'linear' } },
    form: 'line',
    methods: trained.map((method) => ({
      method,
      seeds: method.runs.map((run) => epochCurve(run, qualifiersOf(run, column)?.test)),
    })),
  }
}

/** Black-box searches on each dataset: validation answers, the best so far, as a step. */
function clockCurves(methods: readonly ShownMethod[]): Curves[] {
  const asking = withRuns(methods, ({ result }) => (result?.oracle?.queries.length ?? 0) > 0)
  const datasets = [...new Set(asking.flatMap(({ runs }) => runs.map(datasetOf)))]
  return datasets.map((dataset) => ({
    plot: {
      kind: 'plot',
      title: `best answer of the oracle${datasets.length > 1 ? `: ${datasetTitle(dataset)}` : ''}`,
      x: { label: 'simulated time (s)', scale: 'log' },
      y: { label: 'validation accuracy (%)', scale: 'linear' },
    },
    form: 'steps',
    methods: withRuns(asking, (run) => datasetOf(run) === dataset).map((method) => ({
      method,
      seeds: onOneClock(method.runs.map(incumbents)),
    })),
  }))
}

const datasetOf = ({ manifest }: RunRecord): string => manifest.job.dataset.name

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
