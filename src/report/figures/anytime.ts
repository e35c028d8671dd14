/**
 * The figure `anytime`: accuracy of the architecture that a search would return if it were stopped, or its regret, over
 * the search's epochs or, for a black-box search, over simulated time. The regret is how far the accuracy is below the
 * best one in the lookup table (Ying et al., "NAS-Bench-101", ICML 2019).
 */
import { BenchError } from '../../core/errors.ts'
import { accuracyOf, formatQualifier, parseQualifier } from '../../core/metric.ts'
import { extent } from '../../core/numbers.ts'
import { onceEach } from '../../core/onceEach.ts'
import { capitalize } from '../../core/plainText.ts'
import type { RecordedQuery } from '../../core/result.ts'
import { improvements } from '../../runner/store/runSummary.ts'
import type { NumberColumn } from '../../tables/columns.ts'
import type { Table } from '../../tables/table.ts'
import type { Column } from '../comparison/comparison.ts'
import {
  type Axis,
  type BandPoint,
  epochAxis,
  type Figure,
  type Panel,
  type Plot,
  type Series,
} from '../pictures/figure.ts'
import { datasetOf, type RunRecord } from '../runRecord.ts'
import {
  accuracyAxis,
  type Curve,
  columnsFor,
  customarySpread,
  inPanels,
  isOfColumn,
  MOST_TOGETHER,
  onEachDataset,
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

/** Quantities that the figure can show, each with what the help text says of it. */
export const anytimeQuantities = {
  accuracy: 'test accuracy over epochs, validation accuracy over simulated time',
  testAccuracy: 'test accuracy, also over simulated time',
  regret: 'how far the accuracy is below the best one in the table',
} as const

export type AnytimeQuantity = keyof typeof anytimeQuantities

export interface AnytimeOptions {
  readonly quantity?: AnytimeQuantity
  /** What the bands around the lines show; absent: `customarySpread` decides. */
  readonly spread?: Spread
  /** The lookup table of the runs, which every quantity but `accuracy` needs; see `regretFigure`. */
  readonly table?: Table
}

/**
 * Returns the figure `regret`: the regret of black-box searches over simulated time. Without the lookup table of the runs
 * it has the regret in validation accuracy alone, against the best accuracy that any of the runs was told.
 * @throws BenchError `missing` if no run is a black-box search with recorded evaluations
 */
export function regretFigure(runs: readonly RunRecord[], options: Omit<AnytimeOptions, 'quantity'> = {}): Figure {
  const asking = runs.filter(hasAsked)
  if (asking.length === 0) {
    throw new BenchError(
      'missing',
      'no run is a black-box search, which alone has a simulated time; run one, as bench run --algo rea',
    )
  }
  return { ...anytimeFigure(asking, { ...options, quantity: 'regret' }), name: 'regret' }
}

/**
 * A panel of the figure before it is drawn, with one curve for each seed of each method. The seeds are averaged later.
 */
interface Curves {
  /** Whether the panel's accuracy is measured on the dataset that was searched on. */
  readonly isSearched: boolean
  /** What the curves are of: an answer after each epoch, one over simulated time, or the numbers told to the search. */
  readonly of: 'epochs' | 'answers' | 'told'
  readonly plot: Omit<Plot, 'series'>
  readonly methods: readonly { readonly method: ShownMethod; readonly seeds: readonly Curve[] }[]
}

/**
 * Returns the figure of accuracy, or regret, over time. It has a panel over epochs for each test accuracy that runs
 * report, and one over simulated time for each dataset of black-box searches. Of black-box searches the test accuracy
 * is looked up in the table, so it is missing for runs from compact reports, which do not keep the architectures.
 * @throws BenchError `missing` where no run has looked-up accuracies over time
 */
export function anytimeFigure(runs: readonly RunRecord[], options: AnytimeOptions = {}): Figure {
  const { quantity = 'accuracy', table } = options
  const panels = drawn(curvesOf(runs, quantity, table))
  if (panels.length === 0) {
    const lacking = table && `table ${table.manifest.name} has none of the numbers that these runs report over time`
    throw new BenchError('missing', lacking ?? 'no run has looked-up numbers over time; run with a table (--table)')
  }
  const spread = options.spread ?? customarySpread(panels.flatMap(({ methods }) => methods.map(({ method }) => method)))
  const all = panels.map((panel) => {
    const series = seriesOf(panel, spread)
    return { ...panel, series, isSplit: series.length > MOST_TOGETHER || areBandsMixed(series) }
  })
  const isCrowded = all.some(({ isSplit }) => isSplit)
  // With a panel for each method, only one accuracy is shown, of the dataset searched on.
  const hasAnswers = all.some((panel) => panel.of === 'answers')
  const main = all.filter((panel) => panel.isSearched && !(hasAnswers && panel.of === 'told'))
  const kept = isCrowded && main.length > 0 ? main : all
  // An accuracy that all panels show is named in the caption, so that their titles are short.
  const [{ plot: first }] = kept
  const isOnly = isCrowded && kept.length === 1 && kept[0].of !== 'told'
  const drawnPanels = kept.map(({ plot, series, isSplit }) => {
    const y = quantity === 'regret' ? regretAxis(series) : accuracyAxis(series)
    return inPanels({ ...plot, title: isOnly ? '' : plot.title, y, series }, isSplit ? 1 : series.length)
  })
  const panelCount = drawnPanels.reduce((sum, each) => sum + each.panels.length, 0)
  const cutBands = drawnPanels.some((each) => each.panels.some(isCut))
  return {
    name: 'anytime',
    caption: [
      ...sentencesOn(new Set(kept.map(({ of }) => of)), quantity, {
        table: table?.manifest.name,
        named: isOnly ? ` (${first.title})` : '',
      }),
      `${capitalize(spreadWords(spread))}.`,
      ...(isCrowded ? ['Grey: the other searches.'] : []),
      ...(cutBands ? [`Bands go on ${quantity === 'regret' ? 'beyond' : 'below'} the axis.`] : []),
    ].join(' '),
    columns: isCrowded ? columnsFor(panelCount) : Math.min(3, kept.length),
    panels: drawnPanels.flatMap((each) => each.panels),
  }
}

/** Returns the lines of a panel with their bands, one for each method. */
const seriesOf = ({ of, methods }: Curves, spread: Spread): readonly Series[] =>
  methods.map(({ method: { label, look }, seeds }) => ({
    ...{ label, look, form: of === 'epochs' ? 'line' : 'steps' },
    ...seedBand(seeds, spread),
  }))

/** Number of bands that cannot be told apart where they lie on one another. */
const MIXED = 3

/** Returns whether three bands or more lie on one another at more than half of the points of the lines. */
function areBandsMixed(series: readonly Series[]): boolean {
  const bands = series.map(({ band = [] }) => band).filter((band) => band.some(isWide))
  if (bands.length < MIXED) return false
  const all = [...new Set(bands.flatMap((band) => band.map(({ x }) => x)))]
  const mixed = all.filter((x) => {
    const there = bands.flatMap((band) => band.findLast((point) => point.x <= x) ?? []).filter(isWide)
    return there.some(({ low }) => there.filter((other) => isWithin(low, other)).length >= MIXED)
  })
  return mixed.length > all.length / 2
}

const isWide = ({ low, high }: BandPoint): boolean => low !== null && high !== null && high > low
const isWithin = (value: number | null, { low, high }: BandPoint): boolean =>
  value !== null && low !== null && high !== null && low <= value && value < high

/** Returns the sentences of the caption that say what the panels show. */
function sentencesOn(
  shown: ReadonlySet<Curves['of']>,
  quantity: AnytimeQuantity,
  { table, named }: { readonly table: string | undefined; readonly named: string },
): readonly string[] {
  const [best, answer] =
    quantity === 'regret'
      ? [
          `Regret${named}: the best test accuracy in ${table} minus that`,
          `Regret in validation accuracy: the best that the oracle ${table === undefined ? 'has told any of these runs' : 'can tell'}`,
        ]
      : [`Test accuracy${named}`, 'Best validation accuracy that']
  const hidden = 'looked up afterwards, no search sees it'
  const start = 'from the time on at which every seed has an answer'
  return [
    ...(shown.has('epochs')
      ? [`${best} of the architecture that a search would answer after each epoch; ${hidden}.`]
      : []),
    ...(shown.has('answers')
      ? [`${best} of the architecture with the best validation accuracy by a simulated time, ${start}; ${hidden}.`]
      : []),
    ...(shown.has('told') && quantity === 'regret'
      ? [`${answer} minus the best that it has told by a simulated time, ${start}.`]
      : []),
    ...(shown.has('told') && quantity !== 'regret'
      ? [`${answer} the oracle has told a black-box search by a simulated time, ${start}.`]
      : []),
  ]
}

/** Returns whether a panel has a band that goes on beyond its axis. */
const isCut = (panel: Panel): boolean => {
  if (panel.kind !== 'plot') return false
  const [low = Number.NEGATIVE_INFINITY, high = Number.POSITIVE_INFINITY] = panel.y.limits ?? []
  return panel.series.some(({ band = [] }) => band.some((at) => (at.low ?? low) < low || (at.high ?? high) > high))
}

/** Least regret that an axis shows, in percentage points. */
const LEAST_REGRET = 0.01

/**
 * Returns a logarithmic axis that shows the lines whole as far as they are at 0.01 or above, and of bands that reach
 * further only the middle part.
 */
function regretAxis(series: readonly Series[]): Axis {
  const label = 'regret (points)'
  const means = series.flatMap(({ points }) => points.flatMap(({ y }) => (y !== null && y > 0 ? [y] : [])))
  if (means.length === 0) return { label, scale: 'linear' }
  const [least, greatest] = extent(means)
  const low = roundStep(Math.max(LEAST_REGRET, least), 'below')
  const high = roundStep(Math.max(greatest, 2 * low), 'above')
  return { label, scale: 'log', limits: [low, high] }
}

/** Returns the next number of 1, 2, 5, 10, 20, … that is at most, or at least, a positive number. */
function roundStep(value: number, side: 'below' | 'above'): number {
  const power = 10 ** Math.floor(Math.log10(value) + 1e-9)
  const steps = [1, 2, 5, 10].map((step) => Number((step * power).toPrecision(3)))
  return side === 'below'
    ? (steps.findLast((step) => step <= value * (1 + 1e-9)) ?? steps[0])
    : (steps.find((step) => step >= value * (1 - 1e-9)) ?? steps[3])
}

/** Returns the number that a panel shows of an accuracy with a name (dataset/split/epochs/seed); undefined if unknown. */
type Measure = (accuracyPct: number, qualifier: string | undefined) => number | undefined

function curvesOf(runs: readonly RunRecord[], quantity: AnytimeQuantity, table: Table | undefined): readonly Curves[] {
  const all = shownMethods(runs)
  const columns = testColumns(runs)
  const measure = quantity === 'regret' && table ? regretIn(table) : (accuracyPct: number) => accuracyPct
  return [
    ...columns.map((column) => epochCurves(all, column, measure)),
    ...(table ? columns.map((column) => answerCurves(all, column, measure, table)) : []),
    ...(quantity === 'testAccuracy' ? [] : toldCurves(all, toldMeasure(runs, quantity, table), quantity)),
  ]
}

/** Returns the number that a panel shows of an accuracy that the oracle told a run; undefined if it is unknown. */
type ToldMeasure = (accuracyPct: number, run: RunRecord) => number | undefined

function toldMeasure(runs: readonly RunRecord[], quantity: AnytimeQuantity, table: Table | undefined): ToldMeasure {
  if (quantity !== 'regret') return (accuracyPct) => accuracyPct
  if (table !== undefined) {
    const regret = regretIn(table)
    return (accuracyPct, run) => regret(accuracyPct, toldBy(table, run))
  }
  const best = new Map<string, number>()
  for (const run of runs) {
    for (const { accuracyPct } of answersOf(run)) {
      best.set(oracleOf(run), Math.max(accuracyPct, best.get(oracleOf(run)) ?? accuracyPct))
    }
  }
  return (accuracyPct, run) => difference(best.get(oracleOf(run)), accuracyPct)
}

/** Returns a text that is the same for all runs whose accuracies can be compared: the dataset, and the epochs of training. */
const oracleOf = (run: RunRecord): string => `${datasetOf(run)} ${answersOf(run)[0]?.epochs ?? 'default'}`

/** Returns by how much an accuracy is below the best one, in points; undefined if the best one is unknown. */
const difference = (best: number | undefined, accuracyPct: number): number | undefined =>
  best === undefined ? undefined : Number((best - accuracyPct).toFixed(6))

/** Returns the measure of regret: the largest accuracy of the same name in a table minus an accuracy, in points. */
function regretIn(table: Table): Measure {
  const bestIn = onceEach((column: NumberColumn) => {
    let best: number | undefined
    for (let row = 0; row < table.rows; row++) {
      const value = column.at(row)
      if (value !== undefined && (best === undefined || value > best)) best = value
    }
    return best
  })
  return (accuracyPct, qualifier) => {
    const best = qualifier !== undefined && table.has(qualifier) ? bestIn(table.column(qualifier)) : undefined
    return difference(best, accuracyPct)
  }
}

/** Leaves out methods without a curve, and then panels without methods. */
const drawn = (panels: readonly Curves[]): Curves[] =>
  panels
    .map((panel) => ({ ...panel, methods: panel.methods.filter(({ seeds }) => seeds.some(({ size }) => size > 0)) }))
    .filter(({ methods }) => methods.length > 0)

const accuracyLabel: Axis = { label: 'accuracy (%)', scale: 'linear' }
const clockAxis: Axis = { label: 'simulated time (s)', scale: 'log' }

/** Returns the panel of one test accuracy: for each search that trains a supernet, the accuracy over its epochs. */
function epochCurves(methods: readonly ShownMethod[], column: Column, measure: Measure): Curves {
  const isShown = isOfColumn(column)
  const trained = withRuns(methods, (run) => isShown(run) && run.result?.oracle === undefined)
  return {
    isSearched: column.dataset === column.searchedOn,
    of: 'epochs',
    plot: { kind: 'plot', title: column.title, x: epochAxis, y: accuracyLabel },
    methods: trained.map((method) => ({
      method,
      seeds: method.runs.map((run) => epochCurve(run, qualifiersOf(run, column)?.test, measure)),
    })),
  }
}

/**
 * Returns the panel of one test accuracy over simulated time: that of the best architecture so far of each black-box
 * search whose records have the architectures.
 */
function answerCurves(methods: readonly ShownMethod[], column: Column, measure: Measure, table: Table): Curves {
  const isShown = isOfColumn(column)
  const asking = withRuns(
    methods,
    (run) => isShown(run) && hasAsked(run) && answersOf(run).every(({ genotype }) => genotype !== undefined),
  )
  return {
    isSearched: column.dataset === column.searchedOn,
    of: 'answers',
    plot: { kind: 'plot', title: column.title, x: clockAxis, y: accuracyLabel },
    methods: asking.map((method) => ({
      method,
      seeds: onOneClock(method.runs, (run) => answerSteps(run, qualifiersOf(run, column)?.test, measure, table)),
    })),
  }
}

/**
 * Returns one panel for each dataset of black-box searches: the best validation accuracy so far over simulated time, as
 * step curves.
 */
function toldCurves(methods: readonly ShownMethod[], measure: ToldMeasure, quantity: AnytimeQuantity): Curves[] {
  const asking = withRuns(methods, hasAsked)
  const name = quantity === 'regret' ? 'validation' : 'validation, best so far'
  return onEachDataset(asking).map(({ title, methods: onDataset }) => ({
    isSearched: true,
    of: 'told',
    plot: {
      kind: 'plot',
      title: title === '' ? name : `${name}: ${title}`,
      x: clockAxis,
      y: accuracyLabel,
    },
    methods: onDataset.map((method) => ({
      method,
      seeds: onOneClock(method.runs, (run) => stepsOf(run, ({ accuracyPct }) => measure(accuracyPct, run))),
    })),
  }))
}

/** Returns the step curve of a number of the best architecture so far, read from the table. */
function answerSteps(run: RunRecord, qualifier: string | undefined, measure: Measure, table: Table) {
  if (qualifier === undefined || !table.has(qualifier)) return []
  const accuracies = table.column(qualifier)
  return stepsOf(run, ({ genotype = '' }) => {
    const index = table.find(genotype)
    const row = index === undefined ? undefined : table.row(index)
    const accuracyPct = row === undefined ? undefined : accuracies.at(row)
    return accuracyPct === undefined ? undefined : measure(accuracyPct, qualifier)
  })
}

/** Returns the name of the validation accuracies that a table told a black-box search after its longest trainings. */
function toldBy(table: Table, run: RunRecord): string | undefined {
  const rule = table.manifest.oracles[datasetOf(run)]
  const epochs = answersOf(run)[0]?.epochs
  if (rule === undefined || epochs === undefined) return rule?.accuracy
  return formatQualifier({ ...parseQualifier(rule.accuracy), epochs })
}

const hasAsked = ({ result }: RunRecord): boolean => (result?.oracle?.queries.length ?? 0) > 0

/** Returns the queries of a black-box search that were better than all before, in order. */
const answersOf = ({ result }: RunRecord): readonly RecordedQuery[] => improvements(result?.oracle?.queries ?? [])

const epochCurve = ({ epochs }: RunRecord, qualifier: string | undefined, measure: Measure) =>
  new Map(
    epochs.flatMap(({ epoch, metrics }) => {
      const accuracyPct = accuracyOf(metrics, qualifier)
      const value = accuracyPct === undefined ? undefined : measure(accuracyPct, qualifier)
      return value === undefined ? [] : [[epoch + 1, value] as const]
    }),
  )

/**
 * Returns the step curve of a black-box search: pairs of the simulated seconds at which it found a better architecture
 * and a number of that architecture. Architectures without the number are left out.
 */
const stepsOf = (run: RunRecord, of: (answer: RecordedQuery) => number | undefined): [number, number][] =>
  answersOf(run).flatMap((answer): [number, number][] => {
    const value = of(answer)
    return value === undefined ? [] : [[answer.usedSeconds, value]]
  })

/**
 * Resamples the step curves of several seeds at common times: all times at which any curve changes, from the time at
 * which every curve has a value, and the time at which the last search ended.
 */
function onOneClock(runs: readonly RunRecord[], curveOf: (run: RunRecord) => readonly [number, number][]): Curve[] {
  const curves = runs.map(curveOf)
  if (curves.every(({ length }) => length === 0)) return []
  const start = curves.reduce((latest, [first]) => Math.max(latest, first?.[0] ?? 0), 0)
  const [, end] = extent(runs.map(({ result }) => result?.oracle?.usedSeconds ?? 0))
  const changes = new Set(end > start ? [end] : [])
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
