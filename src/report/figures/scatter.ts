/**
 * The figure `scatter`: all architectures of a lookup table by validation and test error, with a line for each search
 * that connects the architectures it would have returned over time.
 */

import type { Ink } from '../../core/drawing.ts'
import { BenchError } from '../../core/errors.ts'
import { accuracyOf, type Metric, parseQualifier } from '../../core/metric.ts'
import { extent } from '../../core/numbers.ts'
import { pluralize } from '../../core/plainText.ts'
import { improvements } from '../../runner/store/runSummary.ts'
import type { Table } from '../../tables/table.ts'
import { type Column, datasetTitle } from '../comparison/comparison.ts'
import type { Axis, Figure, Plot, Point, Series } from '../pictures/figure.ts'
import { onCloud } from '../pictures/palette.ts'
import type { RunRecord } from '../runRecord.ts'
import { architecturesWithBoth } from './pareto.ts'
import {
  columnsFor,
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
 * Returns the figure of validation against test error, with a panel for each test accuracy of the runs that the lookup
 * table has. Of several searches each has a panel of its own with the same axes, of the dataset searched on, since their
 * trajectories would hide each other. The axes are logarithmic, since good architectures differ by tenths of a percentage
 * point and poor ones by tens, and end at a quantile of the table. A line connects the architectures that a search would
 * have returned over time; the last one is marked.
 * @throws BenchError `missing` if the table has no architecture with both accuracies
 */
export function scatterFigure(runs: readonly RunRecord[], table: Table): Figure {
  const held = new Set(table.manifest.columns.map(({ name }) => name))
  const methods = shownMethods(runs).map((method) => ({ ...method, look: onCloud(method.look) }))
  const all = testColumns(runs).flatMap((column) => {
    const own = withRuns(methods, isOfColumn(column))
    const headline = qualifiersOf(own[0].runs[0], column)
    return headline !== undefined && held.has(headline.validation) && held.has(headline.test)
      ? [{ column, methods: own, cloud: cloudOf(table, headline.validation, headline.test) }]
      : []
  })
  const rows = all[0]?.cloud.length ?? 0
  if (rows === 0) {
    throw new BenchError(
      'missing',
      `${table.manifest.name} has no architecture with the numbers that these runs report`,
    )
  }
  const searched = all.filter(({ column }) => column.dataset === column.searchedOn)
  const isSplit = methods.length > 1
  const shown = isSplit && searched.length > 0 ? searched : all
  const groups = shown.map(({ column, methods: own, cloud }) => {
    const paths = own.map((method) => ({ method, ...pathsOf(method, column, table) }))
    const cut = cutOf(
      cloud,
      paths.flatMap(({ ends }) => ends),
    )
    return { column, cloud, paths, cut }
  })
  const panels = groups.flatMap(({ column, cloud, paths, cut }): Plot[] => {
    const points = [...cloud, ...paths.flatMap(({ lines, ends }) => [...lines.flat(), ...ends])]
    const axes = {
      x: axisOf('validation error (%)', points, ({ x }) => x, cut?.x),
      y: axisOf('test error (%)', points, ({ y }) => y, cut?.y),
    }
    const everything: Series = { label: `all of ${table.manifest.name}`, look: cloudLook, form: 'cloud', points: cloud }
    const where = datasetTitle(column.dataset)
    const plotOf = (title: string, own: typeof paths): Plot => ({
      ...{ kind: 'plot', title, ...axes },
      series: [everything, ...own.flatMap(linesOf), ...own.flatMap((path) => endsOf(path, isSplit))],
    })
    if (!isSplit) return [plotOf(where, paths)]
    return paths.map((path) => plotOf(shown.length > 1 ? `${path.method.label}, ${where}` : path.method.label, [path]))
  })
  return {
    name: 'scatter',
    caption: [
      `${architecturesWithBoth(rows, table.manifest.name)}, and what each search would have answered ${whenOf(runs)}; a marker where it ended.`,
      ...cutWords(groups),
      ...(methods.some((method) => method.runs.length > MOST_TRAJECTORIES)
        ? [`Of more than ${MOST_TRAJECTORIES} seeds of a search only the first ${MOST_TRAJECTORIES} have a line.`]
        : []),
      ...repeatWords(methods),
    ].join(' '),
    columns: isSplit ? columnsFor(panels.length) : Math.min(2, panels.length),
    panels,
  }
}

/**
 * Returns a phrase for the caption that says at which times the points of the trajectories were recorded, such as after
 * each epoch.
 */
function whenOf(runs: readonly RunRecord[]): string {
  const asking = runs.some(({ result }) => result?.oracle !== undefined)
  const training = runs.some(({ epochs, result }) => result?.oracle === undefined && epochs.length > 0)
  if (!asking) return 'after every epoch'
  return training ? 'after every epoch, of black-box searches at every better answer' : 'at every better answer'
}

/** Largest number of trajectories of a search; more would hide each other and the architectures. */
const MOST_TRAJECTORIES = 20

/** Percentages of a table's architectures, best first, of which the axes show the smallest that has all answers. */
const PERCENTAGES = Array.from({ length: 15 }, (_, i) => 25 + 5 * i)

/** The ends of the axes of validation and test error, and what they leave out. */
interface Cut {
  readonly percentage: number
  readonly x: number
  readonly y: number
  /** Number of searches that ended beyond the axes. */
  readonly beyond: number
}

/**
 * Returns the quantiles of the table's errors at which the axes are cut so that the answers of the searches fill them;
 * undefined if the answers need the whole table. Answers far worse than the others do not count, as on other axes.
 */
function cutOf(cloud: readonly Point[], ends: readonly Point[]): Cut | undefined {
  const limits = (['x', 'y'] as const).map((axis) => {
    const errors = ends.flatMap((point) => point[axis] ?? [])
    if (errors.length === 0) return Number.POSITIVE_INFINITY
    const furthest = 100 - lowerCut(errors.map((error) => 100 - error))
    return extent(errors.filter((error) => error <= furthest))[1]
  })
  const sorted = (['x', 'y'] as const).map((axis) => Float64Array.from(cloud, (point) => point[axis] ?? 0).sort())
  for (const percentage of PERCENTAGES) {
    const [x, y] = sorted.map((errors) => errors[Math.ceil((percentage * errors.length) / 100) - 1])
    if (x < limits[0] || y < limits[1]) continue
    return { percentage, x, y, beyond: ends.filter((point) => point.x > x || (point.y ?? 0) > y).length }
  }
  return undefined
}

/** Returns the sentences of the caption that state where the axes are cut, and what is beyond. */
function cutWords(groups: readonly { readonly cut: Cut | undefined }[]): readonly string[] {
  const cuts = groups.flatMap(({ cut }) => cut ?? [])
  if (cuts.length === 0) return []
  const percentages = [...new Set(cuts.map(({ percentage }) => `${percentage} %`))].join(' or ')
  const beyond = cuts.reduce((sum, cut) => sum + cut.beyond, 0)
  return [
    `Each axis ends at the error that ${percentages} of the architectures do not exceed.`,
    ...(beyond > 0 ? [`${pluralize(beyond, 'search', 'searches')} ended beyond the axes.`] : []),
  ]
}

/** Free space between the smallest error and the end of a logarithmic axis, as a factor. */
const ROOM = 0.96

/**
 * Returns an axis of errors in %: logarithmic, or linear if an error is 0, which a logarithmic axis cannot show.
 * @param cut where the axis ends; absent: at the greatest error
 */
function axisOf(label: string, points: readonly Point[], error: (point: Point) => number | null, cut?: number): Axis {
  const [least] = extent(points.flatMap((point) => error(point) ?? []))
  return least > 0
    ? { label, scale: 'log', limits: [ROOM * least, cut] }
    : { label, scale: 'linear', ...(cut !== undefined && { limits: [undefined, cut] }) }
}

const cloudLook = { colour: 'cloud', dash: [], marker: 'circle' } as const

function cloudOf(table: Table, validation: string, test: string): Point[] {
  const [x, y] = [table.accuracy(parseQualifier(validation)), table.accuracy(parseQualifier(test))]
  return Array.from({ length: table.rows }, (_, row) => [x.at(row), y.at(row)] as const).flatMap(([valid, tested]) =>
    valid === undefined || tested === undefined ? [] : [{ x: 100 - valid, y: 100 - tested }],
  )
}

/** A search's trajectories of its first seeds, and the architectures with which all its seeds ended. */
interface Paths {
  readonly lines: readonly (readonly Point[])[]
  readonly ends: readonly Point[]
}

function pathsOf({ runs }: ShownMethod, column: Column, table: Table): Paths {
  const drawn = runs.slice(0, MOST_TRAJECTORIES).map((run) => trajectoryOf(run, column, answersOf(run, table)))
  const others = runs.slice(MOST_TRAJECTORIES).map((run) => endOf(run, column))
  return {
    lines: drawn.filter((points) => points.length > 1),
    ends: [...drawn.map((points) => points.slice(-1)), ...others].flat(),
  }
}

type MethodPaths = Paths & { readonly method: ShownMethod }

function linesOf({ method: { label, look }, lines }: MethodPaths): readonly Series[] {
  const colour = look.colour.startsWith('#') ? (`${look.colour}99` as Ink) : look.colour
  return lines.map((points) => ({
    ...{ label, look: { ...look, dash: [], colour }, form: 'line', points },
    ...{ unnamed: true, thin: true },
  }))
}

/**
 * Returns the marks where a search ended, which are painted after all lines, so that no line covers a mark.
 * @param isAlone whether the search has a panel of its own, whose title names it
 */
const endsOf = ({ method: { label, look }, ends }: MethodPaths, isAlone: boolean): readonly Series[] =>
  ends.length === 0
    ? []
    : [{ label, look, form: 'points', points: withoutRepeats(ends), ...(isAlone && { unnamed: true }) }]

/**
 * Returns the points of a run's trajectory: validation and test error in % of each architecture for which both are
 * known.
 */
function trajectoryOf(run: RunRecord, column: Column, answers: readonly Answer[]): Point[] {
  const headline = qualifiersOf(run, column)
  return answers.flatMap(({ when, genotype, metrics }) => {
    const [x, y] = [accuracyOf(metrics, headline?.validation), accuracyOf(metrics, headline?.test)]
    const note = `${column.title}, seed ${run.manifest.job.seed}${when}: ${genotype}`
    return x === undefined || y === undefined ? [] : [{ x: 100 - x, y: 100 - y, note }]
  })
}

/** Returns the last point of a run's trajectory; empty if the trajectory has no points. */
function endOf(run: RunRecord, column: Column): Point[] {
  const ends = lastAnswers(run)
  while (ends.length > 0) {
    const points = trajectoryOf(run, column, ends.splice(-1))
    if (points.length > 0) return points
  }
  return []
}

interface Answer {
  /**
   * Text for the note at a point: when the search would have returned this architecture, as `, epoch 3` or `, 1200 s`.
   */
  readonly when: string
  readonly genotype: string
  readonly metrics: readonly Metric[]
}

/**
 * Returns the architectures that a run would have returned over time. A supernet search has one after each epoch; a
 * black-box search has each evaluated architecture that was better than all before, if it is recorded, and its final
 * architecture.
 */
function answersOf(run: RunRecord, table: Table): Answer[] {
  const { result } = run
  const asked = improvements(result?.oracle?.queries ?? []).flatMap(({ genotype, usedSeconds }): Answer[] => {
    const index = genotype === undefined ? undefined : table.find(genotype)
    if (genotype === undefined || index === undefined || genotype === result?.genotype) return []
    return [{ when: `, ${Math.round(usedSeconds)} s`, genotype, metrics: table.metrics(index) }]
  })
  const trained = trainedAnswers(run)
  return trained.length > 0 ? trained : [...asked, ...lastAnswers(run)]
}

/**
 * Returns the architectures that a supernet search would have returned after each epoch; for a black-box search only
 * the final architecture.
 */
function lastAnswers(run: RunRecord): Answer[] {
  const { result } = run
  const trained = trainedAnswers(run)
  if (trained.length > 0 || result === undefined) return trained
  return [{ when: '', genotype: result.genotype, metrics: result.metrics }]
}

const trainedAnswers = ({ epochs }: RunRecord): Answer[] =>
  epochs
    .filter(({ metrics }) => metrics.length > 0)
    .map(({ epoch, genotype, metrics }) => ({ when: `, epoch ${epoch + 1}`, genotype, metrics }))
