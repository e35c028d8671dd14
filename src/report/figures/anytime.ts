/**
 * The figure `anytime`: accuracy of the architecture that a search would return if it were stopped, over the search's
 * epochs or, for a black-box search, over simulated time.
 */
import { BenchError } from '../../core/errors.ts'
import { accuracyOf } from '../../core/metric.ts'
import { capitalize } from '../../core/plainText.ts'
import { improvements } from '../../runner/store/runSummary.ts'
import { type Column, datasetTitle } from '../comparison/comparison.ts'
import { epochAxis, type Figure, type Plot, type Series } from '../pictures/figure.ts'
import type { RunRecord } from '../runRecord.ts'
import {
  accuracyAxis,
  type Curve,
  customarySpread,
  inPanels,
  isOfColumn,
  MOST_TOGETHER,
  qualifiersOf,
  type ShownMethod,
  type Spread,
  seedBand,
  shownMethods,
  spreadWords,
  testColumns,
  withRuns,
} from './shared.ts'

/** Largest number of points of a curve over simulated time. */
const MOST_TIMES = 80

/**
 * A panel of the figure before it is drawn, with one curve for each seed of each method. The seeds are averaged later.
 */
interface Curves {
  /** Whether the panel's accuracy is measured on the dataset that was searched on. */
  readonly isSearched: boolean
  readonly plot: Omit<Plot, 'series'>
  readonly form: Series['form']
  readonly methods: readonly { readonly method: ShownMethod; readonly seeds: readonly Curve[] }[]
}

/**
 * Returns the figure `anytime`: one panel over epochs for each test accuracy that runs report, and one panel over
 * simulated time for each dataset of black-box searches.
 * @param spread what the bands around the lines show; absent: `customarySpread` decides
 * @throws BenchError `missing` if no run has looked-up accuracies over time
 */
export function anytimeFigure(runs: readonly RunRecord[], spread?: Spread): Figure {
  const all = shownMethods(runs)
  const [byEpoch, byClock] = [testColumns(runs).map((column) => epochCurves(all, column)), clockCurves(all)].map(drawn)
  const panels = [...byEpoch, ...byClock]
  if (panels.length === 0) {
    throw new BenchError('missing', 'no run has looked-up numbers over time; run with a table (--table)')
  }
  const shown = spread ?? customarySpread(panels.flatMap(({ methods }) => methods.map(({ method }) => method)))
  const isCrowded = panels.some(({ methods }) => methods.length > MOST_TOGETHER)
  // With a panel for each method, only the dataset searched on is shown.
  const kept = isCrowded ? panels.filter(({ isSearched }) => isSearched) : panels
  const isOnly = kept.filter(({ form }) => form === 'line').length === 1
  const drawnPanels = kept.map(({ plot, form, methods }) => {
    const series = methods.map(
      ({ method: { label, look }, seeds }): Series => ({ label, look, form, ...seedBand(seeds, shown) }),
    )
    const title = isCrowded && isOnly && form === 'line' ? '' : plot.title
    return inPanels({ ...plot, title, y: accuracyAxis(series), series })
  })
  const cutBands = drawnPanels.some(({ panels }) => panels.some((panel) => panel.kind === 'plot' && panel.y.limits))
  return {
    name: 'anytime',
    caption: [
      ...(byEpoch.length > 0
        ? [
            `Test accuracy${isCrowded && isOnly ? ` (${kept[0].plot.title})` : ''} of the architecture that a search would answer after each epoch; looked up afterwards, no search sees it.`,
          ]
        : []),
      ...(byClock.length > 0
        ? [
            `Best validation accuracy that the oracle has told a black-box search by a simulated time, from the time on at which every seed has an answer.`,
          ]
        : []),
      `${capitalize(spreadWords(shown))}.`,
      ...(isCrowded ? ['Grey: the other searches.'] : []),
      ...(cutBands ? ['Bands go on below the axis.'] : []),
    ].join(' '),
    columns: isCrowded ? Math.max(...drawnPanels.map(({ columns }) => columns)) : Math.min(3, kept.length),
    panels: drawnPanels.flatMap((each) => each.panels),
  }
}

/** Leaves out methods without a curve, and then panels without methods. */
const drawn = (panels: readonly Curves[]): Curves[] =>
  panels
    .map((panel) => ({ ...panel, methods: panel.methods.filter(({ seeds }) => seeds.some(({ size }) => size > 0)) }))
    .filter(({ methods }) => methods.length > 0)

/** Returns the panel of one test accuracy: for each search that trains a supernet, the accuracy over its epochs. */
function epochCurves(methods: readonly ShownMethod[], column: Column): Curves {
  const isShown = isOfColumn(column)
  const trained = withRuns(methods, (run) => isShown(run) && run.result?.oracle === undefined)
  return {
    isSearched: column.dataset === column.searchedOn,
    plot: { kind: 'plot', title: column.title, x: epochAxis, y: { label: 'accuracy (%)', scale: 'linear' } },
    form: 'line',
    methods: trained.map((method) => ({
      method,
      seeds: method.runs.map((run) => epochCurve(run, qualifiersOf(run, column)?.test)),
    })),
  }
}

/**
 * Returns one panel for each dataset of black-box searches: the best validation accuracy so far over simulated time, as
 * step curves.
 */
function clockCurves(methods: readonly ShownMethod[]): Curves[] {
  const asking = withRuns(methods, ({ result }) => (result?.oracle?.queries.length ?? 0) > 0)
  const datasets = [...new Set(asking.flatMap(({ runs }) => runs.map(datasetOf)))]
  return datasets.map((dataset) => ({
    isSearched: true,
    plot: {
      kind: 'plot',
      title: `validation, best so far${datasets.length > 1 ? `: ${datasetTitle(dataset)}` : ''}`,
      x: { label: 'simulated time (s)', scale: 'log' },
      y: { label: 'accuracy (%)', scale: 'linear' },
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

/**
 * Returns the step curve of a black-box search: pairs of the simulated seconds at which its best validation accuracy
 * rose and the new best accuracy in %.
 */
const incumbents = ({ result }: RunRecord): [number, number][] =>
  improvements(result?.oracle?.queries ?? []).map(({ usedSeconds, accuracyPct }) => [usedSeconds, accuracyPct])

/**
 * Resamples the step curves of several seeds at common times: all times at which any curve changes, from the time at
 * which every curve has a value.
 */
function onOneClock(curves: readonly (readonly [number, number][])[]): Curve[] {
  const start = curves.reduce((latest, [first]) => Math.max(latest, first?.[0] ?? 0), 0)
  const changes = new Set<number>()
  for (const curve of curves) for (const [time] of curve) if (time >= start) changes.add(time)
  const positions = new Map(thinned([...changes].sort((a, b) => a - b)).map((time, i) => [time, i]))
  return curves.map((curve) => sampled(curve, positions))
}

/**
 * Returns the values of a step curve at the given times.
 * @param positions the times, ascending, each with its index; all curves of a panel share this map
 */
function sampled(curve: readonly [number, number][], positions: ReadonlyMap<number, number>): Curve {
  const at = (time: number) => curve.findLast(([when]) => when <= time)?.[1] ?? Number.NaN
  const values = Float64Array.from(positions.keys(), at)
  const get = (time: number) => {
    const position = positions.get(time)
    return position === undefined ? undefined : values[position]
  }
  return { size: values.length, keys: () => positions.keys(), get }
}

/**
 * Returns a selection of at most `MOST_TIMES` of the ascending times, about evenly spaced on a logarithmic axis. The
 * first and the last time are kept.
 */
function thinned(times: readonly number[]): readonly number[] {
  if (times.length <= MOST_TIMES) return times
  const [first, last] = [times[0], times[times.length - 1]]
  const wanted = Array.from({ length: MOST_TIMES }, (_, i) => first * (last / first) ** (i / (MOST_TIMES - 1)))
  return [...new Set(wanted.map((time) => times.findLast((known) => known <= time * (1 + 1e-9)) ?? first))]
}
