/** The list of all kinds of figures that `bench plot` and reports can make. */
import { BenchError } from '../../core/errors.ts'
import type { SearchSpace } from '../../core/space.ts'
import { tableIdentity } from '../../runner/plan/lookup.ts'
import { listTables, openTable } from '../../tables/openTable.ts'
import { unknownTable } from '../../tables/sources.ts'
import type { Table } from '../../tables/table.ts'
import { onlySpace } from '../comparison/comparison.ts'
import { areRetrained } from '../comparison/retrainedRuns.ts'
import type { Axis, AxisLimits, Figure } from '../pictures/figure.ts'
import type { RunRecord } from '../runRecord.ts'
import { accuraciesFigure } from './accuracies.ts'
import { alphaFigure } from './alpha.ts'
import { type AnytimeQuantity, anytimeFigure, anytimeQuantities, regretFigure } from './anytime.ts'
import { cellsFigure } from './cells.ts'
import { type HessianQuantity, hessianFigure, hessianQuantities } from './hessian.ts'
import { type ParetoCost, paretoFigure } from './pareto.ts'
import { rangeFigure } from './range.ts'
import { ranksFigure } from './ranks.ts'
import { scatterFigure } from './scatter.ts'
import type { Spread } from './shared.ts'
import { skipsFigure } from './skips.ts'
import { type TrainingQuantity, trainingFigure, trainingQuantities } from './training.ts'

export interface FigureOptions {
  /** The search space of the runs that a figure shows. */
  readonly space: SearchSpace
  /** Names of the reference algorithms, which answer with a fixed architecture. The figure `ranks` leaves them out. */
  readonly references: ReadonlySet<string>
  /** The quantity that the figure shows, one of the names in the kind's `quantities`; absent: the first one. */
  readonly quantity?: string
  readonly spread?: Spread
  readonly cost?: ParetoCost
  /**
   * Whether a figure that can do without the lookup table is made from the records alone, as in the folder of a report,
   * so that it can be recomputed where the table is not installed.
   */
  readonly recordsOnly?: boolean
  /** Ends of the axes that the user chose; absent: chosen from the runs. */
  readonly limits?: { readonly x?: AxisLimits; readonly y?: AxisLimits }
}

interface Kind {
  /** Heading above this kind of figure in a report. */
  readonly title: string
  /** Description of this kind of figure in the help text of `bench plot`. */
  readonly about: string
  /** The quantities among which `--quantity` chooses, by name; absent: this kind of figure has no such choice. */
  readonly quantities?: Readonly<Record<string, string>>
  /** Whether this kind of figure draws bands around the means of seeds, which `--spread` chooses; absent: it does not. */
  readonly hasBands?: true
  /** Returns this kind of figure for some runs. @throws BenchError `missing` if the runs lack the data for it */
  readonly make: (runs: readonly RunRecord[], options: FigureOptions) => Figure | Promise<Figure>
}

/**
 * Every kind of figure by the name typed after `bench plot`, in the order in which a report shows them. A new kind of
 * figure needs only an entry here.
 */
export const figureKinds = {
  accuracies: {
    title: 'Test accuracies',
    about: 'test accuracies of all seeds, with means and intervals',
    make: (runs, { references, limits }) => accuraciesFigure(runs, references, limits?.x),
  },
  hessian: {
    title: 'Hessian of the loss',
    about: 'eigenvalues of the Hessian over the epochs (--probe hessian)',
    quantities: hessianQuantities,
    hasBands: true,
    make: (runs, { quantity, spread }) => hessianFigure(runs, { quantity: quantity as HessianQuantity, spread }),
  },
  skips: {
    title: 'Skip connections',
    about: 'skip connections of the derived architecture over the epochs',
    hasBands: true,
    make: (runs, { spread }) => skipsFigure(runs, spread),
  },
  range: {
    title: 'Architectures in reach',
    about: 'accuracies of architectures sampled from the search (--probe range)',
    make: rangeFigure,
  },
  anytime: {
    title: 'Accuracy over time',
    about: 'accuracy or regret of the answer over epochs or simulated time',
    quantities: anytimeQuantities,
    hasBands: true,
    make: async (runs, { quantity = 'accuracy', spread }) => {
      const table = quantity === 'accuracy' ? {} : { table: await openTable(await onlyTable(runs)) }
      return anytimeFigure(runs, { quantity: quantity as AnytimeQuantity, spread, ...table })
    },
  },
  regret: {
    title: 'Regret over simulated time',
    about: 'regret of black-box searches over simulated time',
    hasBands: true,
    make: async (runs, { spread, recordsOnly }) => {
      const table = recordsOnly ? undefined : await tableOf(runs)
      return regretFigure(runs, { spread, ...(table && { table }) })
    },
  },
  training: {
    title: 'Training curves',
    about: 'loss and accuracy over the epochs, of searches and full trainings',
    quantities: trainingQuantities,
    hasBands: true,
    make: (runs, { quantity, spread }) => trainingFigure(runs, quantity as TrainingQuantity, spread),
  },
  alpha: {
    title: 'Mixing weights',
    about: 'mixing weights or their entropy over the epochs (--probe alpha)',
    hasBands: true,
    make: (runs, { space, spread }) => alphaFigure(runs, space.edges, spread),
  },
  pareto: {
    title: 'Size and accuracy',
    about: 'size against accuracy, with the front',
    make: (runs, { cost, references }) => paretoFigure(runs, cost, references),
  },
  scatter: {
    title: 'All architectures',
    about: 'all architectures of the table, with the paths of the searches',
    make: async (runs) => scatterFigure(runs, await openTable(await onlyTable(runs))),
  },
  ranks: {
    title: 'Average ranks',
    about: 'average ranks with the critical difference',
    make: (runs, { references }) => ranksFigure(runs, references),
  },
  cells: {
    title: 'Cells found',
    about: 'the architectures found',
    make: (runs, { space }) => cellsFigure(runs, space),
  },
} as const satisfies Readonly<Record<string, Kind>>

export type FigureKind = keyof typeof figureKinds

export const isFigureKind = (name: string): name is FigureKind => Object.hasOwn(figureKinds, name)

/**
 * Returns the quantities among which `--quantity` chooses for a kind of figure, by name, with their descriptions; {} if
 * there is no choice.
 */
export const quantitiesOf = (kind: FigureKind): Readonly<Record<string, string>> =>
  (figureKinds[kind] as Kind).quantities ?? {}

/** Checks that a kind of figure can show the named quantity. @throws BenchError `bad-input` if it cannot */
export function requireQuantity(kind: FigureKind, quantity: string): void {
  const known = Object.keys(quantitiesOf(kind))
  if (known.includes(quantity)) return
  const found =
    known.length === 0
      ? `the figure ${kind} has no quantities to choose from; leave out --quantity`
      : `the figure ${kind} has no quantity ${quantity}; it has ${known.join(', ')}`
  throw new BenchError('bad-input', found)
}

/** Checks that a kind of figure has bands, whose kind `--spread` chooses. @throws BenchError `bad-input` if it has none */
export function requireBands(kind: FigureKind): void {
  const banded = Object.entries<Kind>(figureKinds).flatMap(([name, { hasBands }]) => (hasBands ? [name] : []))
  if (banded.includes(kind)) return
  throw new BenchError('bad-input', `--spread is for ${banded.join(', ')}, not for ${kind}; leave it out`)
}

/**
 * Returns the figure of one kind for some runs.
 * @throws BenchError `missing` if the runs lack the data for it, `bad-input` if they are of several search spaces
 */
export async function makeFigure(
  kind: FigureKind,
  runs: readonly RunRecord[],
  options: FigureOptions,
): Promise<Figure> {
  if (options.quantity !== undefined) requireQuantity(kind, options.quantity)
  if (!areRetrained(runs)) onlySpace(runs)
  const figure = await (figureKinds[kind] as Kind).make(runs, options)
  return options.limits?.x || options.limits?.y ? withLimits(figure, options.limits) : figure
}

/** Returns a figure whose axes have the ends that the user chose. @throws BenchError if it has no such axis */
function withLimits(figure: Figure, { x, y }: NonNullable<FigureOptions['limits']>): Figure {
  const isPlotted = figure.panels.some((panel) => panel.kind === 'plot')
  if (!isPlotted && (figure.name !== 'accuracies' || y !== undefined)) {
    const axis =
      figure.name === 'accuracies' ? 'y axis of numbers; --x-limits limits its accuracies' : 'axes of numbers'
    throw new BenchError('bad-input', `the figure ${figure.name} has no ${axis}`)
  }
  const panels = figure.panels.map((panel) =>
    panel.kind === 'plot' ? { ...panel, x: limited(panel.x, x), y: limited(panel.y, y) } : panel,
  )
  return { ...figure, panels }
}

/** Returns an axis with the ends that the user chose; an end that the user left out stays as it is. */
function limited(axis: Axis, limits: AxisLimits | undefined): Axis {
  if (limits === undefined) return axis
  const outside = limits.find((end) => end !== undefined && end <= 0)
  if (axis.scale === 'log' && outside !== undefined) {
    throw new BenchError(
      'bad-input',
      `the axis of ${axis.label} is logarithmic and has no ${outside}; give ends above 0`,
    )
  }
  return { ...axis, limits: [limits[0] ?? axis.limits?.[0], limits[1] ?? axis.limits?.[1]] }
}

/** Returns the lookup table that all runs used if it is installed with the same content; undefined if it is not. */
async function tableOf(runs: readonly RunRecord[]): Promise<Table | undefined> {
  const used = new Map(runs.flatMap(({ manifest: { job } }) => (job.table ? [[job.table.sha256, job.table.name]] : [])))
  const [[sha256, name] = []] = used
  if (used.size !== 1 || name === undefined || !(await listTables()).includes(name)) return undefined
  const table = await openTable(name)
  return tableIdentity(table.manifest).sha256 === sha256 ? table : undefined
}

/**
 * Returns the name of the lookup table that all runs used. Run records of others may name a table by its path; such a
 * path is not opened.
 * @throws BenchError `missing` if the runs used no table or several, `unknown-name` or `missing` if it is not installed
 */
async function onlyTable(runs: readonly RunRecord[]): Promise<string> {
  const names = [...new Set(runs.map(({ manifest }) => manifest.job.table?.name ?? 'none'))]
  const [name] = names
  if (names.length === 1 && name !== 'none') {
    const known = await listTables()
    if (known.includes(name)) return name
    throw unknownTable(name, known)
  }
  const found = names.join(' and ')
  throw new BenchError(
    'missing',
    `the figure needs the numbers of all architectures of one table; found ${found}; choose with --table`,
  )
}
