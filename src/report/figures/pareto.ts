/**
 * The figure `pareto`: network size against accuracy of the architectures that runs found, or of all architectures of a
 * lookup table, with the Pareto front.
 */
import { summarise } from '../../analysis/statistics/summary.ts'
import { BenchError } from '../../core/errors.ts'
import { accuracyOf, parseQualifier } from '../../core/metric.ts'
import { extent } from '../../core/numbers.ts'
import { grouped, pluralize } from '../../core/plainText.ts'
import { isAccuracy } from '../../tables/columnNames.ts'
import { type FrontPoint, paretoFront } from '../../tables/query.ts'
import { datasetTitle } from '../comparison/comparison.ts'
import { areRetrained, retrainedGroups, searchesAmong } from '../comparison/retrainedRuns.ts'
import { labelOf } from '../methods.ts'
import { type Axis, type Figure, type Plot, type Point, type Series, scaleFor } from '../pictures/figure.ts'
import type { Look } from '../pictures/palette.ts'
import type { RunRecord } from '../runRecord.ts'
import {
  isOfColumn,
  lowerCut,
  qualifiersOf,
  repeatWords,
  type ShownMethod,
  shownMethods,
  testColumns,
  withoutRepeats,
  withRuns,
} from './shared.ts'

/**
 * Measures of network size that the figure can show on its x axis, each with the axis label and the number that it is
 * divided by.
 */
export const paretoCosts = {
  parameters: { label: 'parameters (M)', unit: 1e6 },
  macs: { label: 'multiply-accumulates (M)', unit: 1e6 },
} as const

export type ParetoCost = keyof typeof paretoCosts

/** A panel of the figure before it is drawn: its runs, and the function that reads the accuracy of a run. */
interface PanelKind {
  readonly title: string
  readonly runs: readonly RunRecord[]
  /** Returns the accuracy in % of the architecture that a run found, or undefined if it is unknown. */
  accuracy(run: RunRecord): number | undefined
}

/**
 * Returns the figure `pareto` for runs, with a panel for each looked-up test accuracy, and one for each dataset and
 * settings of full trainings.
 * @param references names of the algorithms that answer with a fixed architecture: their points are dark crosses and stars,
 * and the front leaves them out
 * @throws BenchError `missing` if no finished run has both a network size and a test accuracy
 */
export function paretoFigure(
  runs: readonly RunRecord[],
  cost: ParetoCost = 'parameters',
  references: ReadonlySet<string> = new Set(),
): Figure {
  const methods = shownMethods(runs)
  const panels = [...lookedUp(runs), ...trained(runs)]
    .map((kind) => panelOf(methods, kind, { cost, references }))
    .filter(({ series }) => series.length > 1)
  if (panels.length === 0) {
    throw new BenchError('missing', `no finished run has both a test number and ${paretoCosts[cost].label}`)
  }
  const hidden = panels.reduce((sum, panel) => sum + hiddenIn(panel), 0)
  return {
    name: 'pareto',
    caption: [
      'Architectures found, one point a seed; the line joins those that no other beats in both size and accuracy.',
      ...(methods.some(({ algorithm }) => references.has(algorithm))
        ? ['Black: fixed architectures, not part of the line.']
        : []),
      ...(hidden > 0
        ? [`${pluralize(hidden, 'point')} far below the others ${hidden === 1 ? 'is' : 'are'} not shown.`]
        : []),
      ...repeatWords(methods),
    ].join(' '),
    columns: Math.min(3, panels.length),
    panels,
  }
}

function lookedUp(all: readonly RunRecord[]): PanelKind[] {
  if (areRetrained(all)) return []
  const runs = searchesAmong(all)
  return testColumns(runs).map((column) => ({
    title: column.title,
    runs: runs.filter(isOfColumn(column)),
    accuracy: (run) => accuracyOf(run.result?.metrics ?? [], qualifiersOf(run, column)?.test),
  }))
}

/**
 * Returns the panels of full trainings. The accuracy of a run is the test accuracy after the last epoch, averaged over
 * the full trainings of the run's architecture.
 */
function trained(all: readonly RunRecord[]): PanelKind[] {
  return retrainedGroups(all).map(({ dataset, difference, runs }) => ({
    title: `${datasetTitle(dataset)} test${difference && `, ${difference}`}`,
    runs,
    accuracy: ({ result: { trainings = [] } = { trainings: [] } }) =>
      trainings.length === 0 ? undefined : summarise(trainings.map(({ testAccuracyPct }) => testAccuracyPct)).mean,
  }))
}

function panelOf(
  methods: readonly ShownMethod[],
  { title, runs: shown, accuracy }: PanelKind,
  { cost, references }: { readonly cost: ParetoCost; readonly references: ReadonlySet<string> },
): Plot {
  const isShown = new Set(shown)
  const fixed = methods.filter(({ algorithm }) => references.has(algorithm)).map(({ label }) => label)
  const series = withRuns(methods, (run) => isShown.has(run))
    .map(({ runs, look: own, ...method }): Series & { readonly isFixed: boolean } => {
      const points = runs.flatMap((run) => pointOf(run, accuracy(run), cost))
      const isFixed = fixed.includes(method.label)
      const look = isFixed ? fixedLooks[fixed.indexOf(method.label) % fixedLooks.length] : own
      return { label: labelOf({ ...method, runs }), look, form: 'points', points, isFixed, open: true }
    })
    .filter(({ points }) => points.length > 0)
  const found = series.filter(({ isFixed }) => !isFixed)
  const shownSeries = series.map(({ isFixed: _, ...each }) => ({ ...each, points: withoutRepeats(each.points) }))
  return {
    kind: 'plot',
    title,
    x: { label: paretoCosts[cost].label, scale: 'linear', limits: aroundSizes(series) },
    y: { label: 'accuracy (%)', scale: 'linear', ...cutBelow(series) },
    series: [frontSeries(found, title), ...shownSeries],
  }
}

/** Looks of the points of fixed architectures, which no search found. */
const fixedLooks: readonly Look[] = (['ink', 'faint'] as const).flatMap((colour) =>
  (['star', 'crossRot', 'cross', 'rect', 'triangle', 'rectRot', 'circle'] as const).map((marker) => ({
    ...{ colour, dash: [], marker },
  })),
)

/** Returns the ends of the axis of sizes: those of the points, with some room on both sides. */
function aroundSizes(series: readonly Series[]): readonly [number, number] {
  const [least, greatest] = extent(series.flatMap(({ points }) => points.map(({ x }) => x)))
  const room = 0.05 * (greatest - least) || 0.1 * greatest
  return [Math.max(0, least - room), greatest + room]
}

/**
 * Returns the lower end of an accuracy axis that cuts off points so low that showing them would compress the others: Q
 * − 3 · (best − Q), with Q the lower quartile and best the highest accuracy; {} if there are no such points.
 */
function cutBelow(series: readonly Series[]): Pick<Axis, 'limits'> {
  const values = series.flatMap(({ points }) => points.flatMap(({ y }) => y ?? []))
  if (values.length === 0) return {}
  const low = lowerCut(values)
  return values.some((value) => value < low) ? { limits: [Math.floor(low), undefined] } : {}
}

/** Returns how many points of a panel are below its axis. */
const hiddenIn = ({ y: { limits }, series }: Plot): number =>
  limits === undefined
    ? 0
    : series.flatMap(({ points, unnamed }) => (unnamed ? [] : points)).filter(({ y }) => (y ?? 100) < (limits[0] ?? 0))
        .length

function pointOf({ result, manifest }: RunRecord, accuracyPct: number | undefined, cost: ParetoCost): Point[] {
  const size = result?.[cost]
  if (size === undefined || accuracyPct === undefined) return []
  return [{ x: size / paretoCosts[cost].unit, y: accuracyPct, note: `seed ${manifest.job.seed}: ${result?.genotype}` }]
}

/** Returns the Pareto front of all points in a panel as a step curve, the smallest network first. */
function frontSeries(series: readonly Series[], title: string): Series {
  const points = series.flatMap((each) => each.points.flatMap(({ x, y }) => (y === null ? [] : [{ x, y }])))
  return {
    label: `${title} front`,
    look: { colour: 'faint', dash: [3, 2], marker: 'circle' },
    form: 'steps',
    points: paretoFront(points, 'lower', 'higher'),
    unnamed: true,
    thin: true,
  }
}

const cloudLook = { colour: 'cloud', dash: [], marker: 'circle' } as const
const frontLook = { colour: '#c2410c', dash: [], marker: 'circle' } as const

/** All architectures of a lookup table by two of its columns, and the Pareto front among them. */
export interface TablePareto {
  readonly table: string
  readonly x: string
  readonly y: string
  readonly points: readonly FrontPoint[]
  readonly front: readonly FrontPoint[]
  arch(row: number): string
}

/**
 * Returns the beginning of the caption below a lookup table's Pareto front: `The 15,625 architectures of nb201 that
 * have both numbers`.
 */
export const architecturesWithBoth = (count: number, table: string): string =>
  count === 1
    ? `The one architecture of ${table} that has both numbers`
    : `The ${grouped(count)} architectures of ${table} that have both numbers`

const frontText = (count: number): string =>
  count === 1 ? 'no other beats the marked one in both.' : `the line joins the ${count} that no other beats in both.`

/** Returns the figure of all architectures of a lookup table by two of their columns, with the Pareto front. */
export function tableParetoFigure({ table, x, y, points, front, arch }: TablePareto): Figure {
  const noted = ({ row, x: at, y: height }: FrontPoint): Point => ({ x: at, y: height, note: arch(row) })
  return {
    name: 'pareto',
    caption: `${architecturesWithBoth(points.length, table)}; ${frontText(front.length)}`,
    columns: 1,
    panels: [
      {
        kind: 'plot',
        title: table,
        x: { label: withUnit(x), scale: scaleFor(points.map((point) => point.x)) },
        y: { label: withUnit(y), scale: 'linear' },
        series: [
          {
            label: 'all',
            look: cloudLook,
            form: 'cloud',
            points: points.map(({ x: at, y: height }) => ({ x: at, y: height })),
          },
          { label: 'front', look: frontLook, form: 'steps', points: front.map(noted) },
        ],
      },
    ],
  }
}

/** Axis labels of the lookup-table columns that contain network sizes, by the column's name. */
const SIZES: Readonly<Record<string, string>> = {
  'params-M': 'parameters (M)',
  'flops-M': 'multiply-accumulates (M)',
}

/** Returns the axis label of a lookup table's column: `CIFAR-10 ori-test accuracy (%), 200 epochs, mean`. */
export function withUnit(column: string): string {
  if (!isAccuracy(column)) return SIZES[column] ?? column
  const { dataset, split, epochs, seed } = parseQualifier(column)
  return `${datasetTitle(dataset)} ${split} accuracy (%), ${pluralize(epochs, 'epoch')}, ${seed === 'mean' ? 'mean' : `seed ${seed}`}`
}
