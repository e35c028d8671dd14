/** Size against accuracy: every run's architecture, and those that no other beats in both. */
import { summarise } from '../../analysis/statistics/summary.ts'
import { BenchError } from '../../core/errors.ts'
import { accuracyOf } from '../../core/metric.ts'
import { paretoFront } from '../../tables/query.ts'
import { datasetTitle } from '../comparison/comparison.ts'
import { labelOf } from '../methodLabel.ts'
import type { Figure, Plot, Point, Series } from '../pictures/figure.ts'
import { retrainedGroups } from '../retrained/rows.ts'
import { settingsText } from '../retrained/trainingNotes.ts'
import type { RunRecord } from '../runRecord.ts'
import { isOfColumn, qualifiersOf, testColumns } from './headline.ts'
import { type ShownMethod, shownMethods, withRuns } from './shownMethods.ts'

export const paretoCosts = {
  parameters: { label: 'parameters (M)', unit: 1e6 },
  macs: { label: 'multiply-accumulates (M)', unit: 1e6 },
} as const

export type ParetoCost = keyof typeof paretoCosts

/** What a point of a run is, and where it is looked for. */
interface PanelKind {
  readonly title: string
  readonly runs: readonly RunRecord[]
  /** In %. */
  accuracy(run: RunRecord): number | undefined
}

/**
 * A panel for each looked-up test number, and for each way of full training on a dataset.
 * @throws BenchError `missing` where no finished run has both numbers
 */
export function paretoFigure(runs: readonly RunRecord[], cost: ParetoCost = 'parameters'): Figure {
  const methods = shownMethods(runs)
  const panels = [...lookedUp(runs), ...trained(runs)]
    .map((kind) => panelOf(methods, kind, cost))
    .filter(({ series }) => series.length > 1)
  if (panels.length === 0) {
    throw new BenchError('missing', `no finished run has both a test number and ${paretoCosts[cost].label}`)
  }
  return {
    name: 'pareto',
    caption:
      'Architectures found, one point a seed; the line joins those that no other beats in both size and accuracy.',
    columns: Math.min(3, panels.length),
    panels,
  }
}

function lookedUp(all: readonly RunRecord[]): PanelKind[] {
  const runs = all.filter(({ manifest }) => manifest.job.retraining === undefined)
  if (runs.length === 0) return []
  return testColumns(runs).map((column) => ({
    title: column.title,
    runs: runs.filter(isOfColumn(column)),
    accuracy: (run) => accuracyOf(run.result?.metrics ?? [], qualifiersOf(run, column)?.test),
  }))
}

/** The mean over the trainings of an architecture, on the test images after the last epoch. */
function trained(all: readonly RunRecord[]): PanelKind[] {
  const groups = [...retrainedGroups(all).values()]
  const named = new Set(groups.map(([{ manifest }]) => manifest.job.dataset.name)).size < groups.length
  return groups.map((runs) => {
    const { dataset, retraining } = runs[0].manifest.job
    const how = named && retraining !== undefined ? `, ${settingsText(retraining.settings)}` : ''
    return {
      title: `${datasetTitle(dataset.name)} test${how}`,
      runs,
      accuracy: ({ result: { trainings = [] } = { trainings: [] } }) =>
        trainings.length === 0 ? undefined : summarise(trainings.map(({ testAccuracyPct }) => testAccuracyPct)).mean,
    }
  })
}

function panelOf(methods: readonly ShownMethod[], { title, runs: shown, accuracy }: PanelKind, cost: ParetoCost): Plot {
  const isShown = new Set(shown)
  const series = withRuns(methods, (run) => isShown.has(run))
    .map(({ runs, look, ...method }): Series => {
      const points = runs.flatMap((run) => pointOf(run, accuracy(run), cost))
      return { label: labelOf({ ...method, runs }), look, form: 'points', points }
    })
    .filter(({ points }) => points.length > 0)
  return {
    kind: 'plot',
    title,
    x: { label: paretoCosts[cost].label, scale: 'linear' },
    y: { label: 'accuracy (%)', scale: 'linear' },
    series: [frontSeries(series, title), ...series],
  }
}

function pointOf({ result, manifest }: RunRecord, accuracyPct: number | undefined, cost: ParetoCost): Point[] {
  const size = result?.[cost]
  if (size === undefined || accuracyPct === undefined) return []
  return [{ x: size / paretoCosts[cost].unit, y: accuracyPct, note: `seed ${manifest.job.seed}: ${result?.genotype}` }]
}

/** The smallest first. */
function frontSeries(series: readonly Series[], title: string): Series {
  const points = series.flatMap((each) => each.points.flatMap(({ x, y }) => (y === null ? [] : [{ x, y }])))
  return {
    label: `${title} front`,
    look: { colour: '#9aa0a6', dash: [3, 2], marker: 'circle' },
    form: 'steps',
    points: paretoFront(points, 'lower', 'higher'),
    unnamed: true,
  }
}
