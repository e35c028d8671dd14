/**
 * The figure `scatter`: all architectures of a lookup table by validation and test error, with a line for each search
 * that connects the architectures it would have returned over time.
 */

import type { Ink } from '../../core/drawing.ts'
import { BenchError } from '../../core/errors.ts'
import { accuracyOf, type Metric, parseQualifier } from '../../core/metric.ts'
import { pluralize } from '../../core/plainText.ts'
import { improvements } from '../../runner/store/runSummary.ts'
import type { Table } from '../../tables/table.ts'
import { type Column, datasetTitle } from '../comparison/comparison.ts'
import type { Axis, Figure, Plot, Point, Series } from '../pictures/figure.ts'
import type { RunRecord } from '../runRecord.ts'
import { architecturesWithBoth } from './pareto.ts'
import {
  isOfColumn,
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
 * table has. The axes are logarithmic, since good architectures differ by tenths of a percentage point and poor ones by
 * tens. A line connects the architectures that a search would have returned over time; the last one is marked.
 * @throws BenchError `missing` if the table has no architecture with both accuracies
 */
export function scatterFigure(runs: readonly RunRecord[], table: Table): Figure {
  const held = new Set(table.manifest.columns.map(({ name }) => name))
  const methods = shownMethods(runs)
  const panels = testColumns(runs).flatMap((column): Plot[] => {
    const own = withRuns(methods, isOfColumn(column))
    const headline = qualifiersOf(own[0].runs[0], column)
    if (headline === undefined || !held.has(headline.validation) || !held.has(headline.test)) return []
    const title = `all of ${table.manifest.name}`
    const cloud = cloudOf(table, headline.validation, headline.test)
    const series: Series[] = [
      { label: title, look: cloudLook, form: 'cloud', points: cloud },
      ...trajectoriesOf(own, column, table),
    ]
    return [
      {
        kind: 'plot',
        title: datasetTitle(column.dataset),
        x: { label: 'validation error (%)', scale: scaleOf(series, ({ x }) => x) },
        y: { label: 'test error (%)', scale: scaleOf(series, ({ y }) => y) },
        series,
      },
    ]
  })
  const rows = panels[0]?.series[0].points.length ?? 0
  if (rows === 0) {
    throw new BenchError(
      'missing',
      `${table.manifest.name} has no architecture with the numbers that these runs report`,
    )
  }
  const most = Math.max(...methods.map((method) => method.runs.length))
  const drawn = drawnSeeds(methods)
  const left =
    most > drawn
      ? ` Of more than ${pluralize(drawn, 'seed')} of a search only the first ${drawn === 1 ? 'has' : `${drawn} have`} a line.`
      : ''
  return {
    name: 'scatter',
    caption: `${architecturesWithBoth(rows, table.manifest.name)}, and what each search would have answered ${whenOf(runs)}; a marker where it ended.${left}${repeatWords(methods).map((words) => ` ${words}`)}`,
    columns: Math.min(2, Math.max(1, panels.length)),
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

/** Largest number of trajectories in a panel; more would hide each other and the architectures. */
const MOST_TRAJECTORIES = 200

const cloudLook = { colour: 'cloud', dash: [], marker: 'circle' } as const

function cloudOf(table: Table, validation: string, test: string): Point[] {
  const [x, y] = [table.accuracy(parseQualifier(validation)), table.accuracy(parseQualifier(test))]
  return Array.from({ length: table.rows }, (_, row) => [x.at(row), y.at(row)] as const).flatMap(([valid, tested]) =>
    valid === undefined || tested === undefined ? [] : [{ x: 100 - valid, y: 100 - tested }],
  )
}

/** Returns the scale of an error axis: `log`, or `linear` if an error is 0, which a logarithmic axis cannot show. */
const scaleOf = (series: readonly Series[], error: (point: Point) => number | null): Axis['scale'] =>
  series.every(({ points }) => points.every((point) => (error(point) ?? 1) > 0)) ? 'log' : 'linear'

/**
 * Returns the number of seeds of each search whose whole trajectory is drawn; for further seeds only its last point is
 * drawn.
 */
const drawnSeeds = (methods: readonly ShownMethod[]): number =>
  Math.max(1, Math.floor(MOST_TRAJECTORIES / methods.length))

/**
 * Returns the trajectories of all searches, followed by the marks at their last points, so that no line covers a mark.
 */
function trajectoriesOf(methods: readonly ShownMethod[], column: Column, table: Table): Series[] {
  const drawn = drawnSeeds(methods)
  const searched = methods.map(({ label, look, runs }) => ({
    label,
    look,
    trajectories: runs.slice(0, drawn).map((run) => trajectoryOf(run, column, answersOf(run, table))),
    others: runs.slice(drawn).map((run) => endOf(run, column)),
  }))
  const lines = searched.flatMap(({ label, look, trajectories }) => {
    const faded = { ...look, colour: `${look.colour}88` as Ink }
    const longer = trajectories.filter((points) => points.length > 1)
    return longer.map((points): Series => ({ label, look: faded, form: 'line', points, unnamed: true, thin: true }))
  })
  const ends = searched.flatMap(({ label, look, trajectories, others }): Series[] => {
    const points = withoutRepeats([...trajectories.map((points) => points.slice(-1)), ...others].flat())
    return points.length === 0 ? [] : [{ label, look, form: 'points', points }]
  })
  return [...lines, ...ends]
}

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
