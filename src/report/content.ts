/** Everything that runs have to show: the tables, and every figure for which they have the numbers. */
import { BenchError, type ErrorCode } from '../core/errors.ts'
import { compare } from './comparison/comparison.ts'
import { comparisonTable } from './comparison/comparisonTable.ts'
import { pairwiseTable } from './comparison/pairwiseTable.ts'
import { publishedBeside } from './comparison/publishedBeside.ts'
import { type FigureKind, type FigureOptions, makeFigure } from './figures/index.ts'
import type { Tabular } from './formats/tabular.ts'
import type { Figure } from './pictures/figure.ts'
import { areRetrained } from './retrained/rows.ts'
import { retrainedTable } from './retrained/table.ts'
import type { RunRecord } from './runRecord.ts'

export interface ContentOptions extends Pick<FigureOptions, 'space'> {
  readonly mix?: boolean
  /** Id of a published table, `auto` or `none`. */
  readonly published: string
  /** Algorithms that are fixed rows. */
  readonly references: ReadonlySet<string>
}

export interface NamedTable {
  readonly name: 'table' | 'median' | 'tests'
  readonly title: string
  readonly table: Tabular
}

export interface NamedFigure {
  readonly title: string
  readonly figure: Figure
}

const figureTitles: Readonly<Record<FigureKind, string>> = {
  hessian: 'Hessian of the loss',
  range: 'Architectures in reach',
  anytime: 'Accuracy over time',
  alpha: 'Mixing weights',
  pareto: 'Size and accuracy',
  scatter: 'All architectures',
  ranks: 'Average ranks',
  cells: 'Cells found',
}

export function tablesOf(runs: readonly RunRecord[], options: ContentOptions): readonly NamedTable[] {
  if (areRetrained(runs)) {
    return [{ name: 'table', title: 'Full trainings', table: retrainedTable(runs, options.published) }]
  }
  const comparison = compare(runs, options)
  if (comparison.columns.length === 0) return []
  const published = publishedBeside(comparison, options.published)
  const { references } = options
  const tests = pairwiseTable(comparison, references)
  return [
    { name: 'table', title: 'Accuracy', table: comparisonTable(comparison, { published, references }) },
    { name: 'median', title: 'Medians', table: comparisonTable(comparison, { summary: 'median', references }) },
    ...(tests ? [{ name: 'tests' as const, title: 'Paired tests', table: tests }] : []),
  ]
}

/** A kind whose numbers the runs lack is left out. */
export async function figuresOf(
  runs: readonly RunRecord[],
  { space, references }: ContentOptions,
): Promise<readonly NamedFigure[]> {
  const figures: NamedFigure[] = []
  for (const [kind, title] of Object.entries(figureTitles) as [FigureKind, string][]) {
    const figure = await figureIfKnown(kind, runs, { space, references })
    if (figure !== undefined && figure.panels.length > 0) figures.push({ title, figure })
  }
  return figures
}

/** What a kind of figure says where the runs, or this machine, lack what it shows. */
const ABSENT: ReadonlySet<ErrorCode> = new Set(['missing', 'unknown-name', 'bad-input', 'unsupported'])

async function figureIfKnown(kind: FigureKind, runs: readonly RunRecord[], options: FigureOptions) {
  try {
    return await makeFigure(kind, runs, options)
  } catch (error) {
    if (error instanceof BenchError && ABSENT.has(error.code)) return undefined
    throw error
  }
}
