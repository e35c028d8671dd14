/** Every architecture of a table, and the ways of the searches through them. */
import { BenchError } from '../../core/errors.ts'
import { parseQualifier } from '../../core/metric.ts'
import type { Table } from '../../tables/table.ts'
import { type Column, datasetTitle } from '../comparison/comparison.ts'
import type { Axis, Figure, Plot, Point, Series } from '../pictures/figure.ts'
import type { RunRecord } from '../runRecord.ts'
import { accuracyOf, isOfColumn, qualifiersOf, testColumns } from './headline.ts'
import { type ShownMethod, shownMethods, withRuns } from './shownMethods.ts'

/**
 * Validation against test error, a panel for each column that these runs report and the table holds: logarithmic, since
 * good cells, which searches are about, differ by tenths where poor ones differ by tens. A search's way is what it would
 * have answered after each epoch; its end is marked.
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
    const series: Series[] = [{ label: title, look: cloudLook, form: 'cloud', points: cloud }, ...waysOf(own, column)]
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
  return {
    name: 'scatter',
    caption: `The ${rows.toLocaleString('en')} architectures of ${table.manifest.name} that have both numbers, and what each search would have answered after every epoch; a marker where it ended.`,
    columns: Math.min(2, Math.max(1, panels.length)),
    panels,
  }
}

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

/** The ends come after all ways, so that no other search's way is painted over them. */
function waysOf(methods: readonly ShownMethod[], column: Column): Series[] {
  const searched = methods.map(({ label, look, runs }) => ({
    label,
    look,
    ways: runs.map((run) => wayOf(run, column)).filter((points) => points.length > 0),
  }))
  const lines = searched.flatMap(({ label, look, ways }) => {
    const faded = { ...look, colour: `${look.colour}88` as const }
    return ways.map((points): Series => ({ label, look: faded, form: 'line', points, unnamed: true }))
  })
  const ends = searched.flatMap(({ label, look, ways }): Series[] =>
    ways.length === 0 ? [] : [{ label, look, form: 'points', points: ways.map((points) => points[points.length - 1]) }],
  )
  return [...lines, ...ends]
}

function wayOf(run: RunRecord, column: Column): Point[] {
  const headline = qualifiersOf(run, column)
  return run.epochs.flatMap(({ epoch, genotype, metrics }) => {
    const [x, y] = [accuracyOf(metrics, headline?.validation), accuracyOf(metrics, headline?.test)]
    const note = `${column.title}, seed ${run.manifest.job.seed}, epoch ${epoch + 1}: ${genotype}`
    return x === undefined || y === undefined ? [] : [{ x: 100 - x, y: 100 - y, note }]
  })
}
