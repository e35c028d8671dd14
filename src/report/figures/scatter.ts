/** Every architecture of a table, and the ways of the searches through them. */
import { BenchError } from '../../core/errors.ts'
import { accuracyOf, type Metric, parseQualifier } from '../../core/metric.ts'
import { grouped } from '../../core/plainText.ts'
import { improvements } from '../../runner/store/runSummary.ts'
import type { Table } from '../../tables/table.ts'
import { type Column, datasetTitle } from '../comparison/comparison.ts'
import type { Axis, Figure, Plot, Point, Series } from '../pictures/figure.ts'
import type { RunRecord } from '../runRecord.ts'
import { isOfColumn, qualifiersOf, testColumns } from './headline.ts'
import { type ShownMethod, shownMethods, withRuns } from './shownMethods.ts'

/**
 * Validation against test error, a panel for each column that these runs report and the table holds: logarithmic, since
 * good cells, which searches are about, differ by tenths where poor ones differ by tens. A search's way is what it would
 * have answered as time goes on; its end is marked.
 * @throws BenchError `missing` where the table has no such row
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
      ...waysOf(own, column, table),
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
  const left = most > drawn ? ` Of more than ${drawn} seeds of a search only the first ${drawn} have a line.` : ''
  return {
    name: 'scatter',
    caption: `The ${grouped(rows)} architectures of ${table.manifest.name} that have both numbers, and what each search would have answered ${whenOf(runs)}; a marker where it ended.${left}`,
    columns: Math.min(2, Math.max(1, panels.length)),
    panels,
  }
}

/** At which moments the ways of these runs are known. */
function whenOf(runs: readonly RunRecord[]): string {
  const asking = runs.some(({ result }) => result?.oracle !== undefined)
  const training = runs.some(({ epochs, result }) => result?.oracle === undefined && epochs.length > 0)
  if (!asking) return 'after every epoch'
  return training ? 'after every epoch, of black-box searches at every better answer' : 'at every better answer'
}

/** More lines than these, over all searches, hide each other and the architectures. */
const MOST_WAYS = 200

const cloudLook = { colour: '#9aa6b2', dash: [], marker: 'circle' } as const

function cloudOf(table: Table, validation: string, test: string): Point[] {
  const [x, y] = [table.accuracy(parseQualifier(validation)), table.accuracy(parseQualifier(test))]
  return Array.from({ length: table.rows }, (_, row) => [x.at(row), y.at(row)] as const).flatMap(([valid, tested]) =>
    valid === undefined || tested === undefined ? [] : [{ x: 100 - valid, y: 100 - tested }],
  )
}

/** Linear where something makes no error at all, which a logarithmic axis cannot show. */
const scaleOf = (series: readonly Series[], error: (point: Point) => number | null): Axis['scale'] =>
  series.every(({ points }) => points.every((point) => (error(point) ?? 1) > 0)) ? 'log' : 'linear'

/** How many of each search's seeds have their ways drawn; the others have their ends alone. */
const drawnSeeds = (methods: readonly ShownMethod[]): number => Math.max(1, Math.floor(MOST_WAYS / methods.length))

/** The ends come after all ways, so that no other search's way is painted over them. */
function waysOf(methods: readonly ShownMethod[], column: Column, table: Table): Series[] {
  const drawn = drawnSeeds(methods)
  const searched = methods.map(({ label, look, runs }) => ({
    label,
    look,
    ways: runs.slice(0, drawn).map((run) => wayOf(run, column, answersOf(run, table))),
    others: runs.slice(drawn).map((run) => wayOf(run, column, lastAnswers(run))),
  }))
  const lines = searched.flatMap(({ label, look, ways }) => {
    const faded = { ...look, colour: `${look.colour}88` as const }
    const longer = ways.filter((points) => points.length > 1)
    return longer.map((points): Series => ({ label, look: faded, form: 'line', points, unnamed: true }))
  })
  const ends = searched.flatMap(({ label, look, ways, others }): Series[] => {
    const points = [...ways, ...others].flatMap((way) => way.slice(-1))
    return points.length === 0 ? [] : [{ label, look, form: 'points', points }]
  })
  return [...lines, ...ends]
}

/** The answers that have both numbers, as points. */
function wayOf(run: RunRecord, column: Column, answers: readonly Answer[]): Point[] {
  const headline = qualifiersOf(run, column)
  return answers.flatMap(({ when, genotype, metrics }) => {
    const [x, y] = [accuracyOf(metrics, headline?.validation), accuracyOf(metrics, headline?.test)]
    const note = `${column.title}, seed ${run.manifest.job.seed}${when}: ${genotype}`
    return x === undefined || y === undefined ? [] : [{ x: 100 - x, y: 100 - y, note }]
  })
}

interface Answer {
  /** `, epoch 3` */
  readonly when: string
  readonly genotype: string
  readonly metrics: readonly Metric[]
}

/**
 * What the run would have answered, one after the other: after each epoch of a search that trains; at each better answer
 * of the oracle of a black-box search, where its record says to what, and at its end.
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

/** The same without what a black-box search found on the way: the last one is where the run ended. */
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
