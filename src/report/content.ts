/** Computes what a report shows of runs: the tables, and every figure for which the runs have the numbers. */
import { BenchError, type ErrorCode } from '../core/errors.ts'
import { compare } from './comparison/comparison.ts'
import { comparisonTable } from './comparison/comparisonTable.ts'
import { pairwiseTable } from './comparison/pairwiseTable.ts'
import { publishedBeside } from './comparison/published.ts'
import { areRetrained } from './comparison/retrainedRuns.ts'
import { retrainedTable } from './comparison/retrainedTable.ts'
import { type FigureKind, type FigureOptions, figureKinds, makeFigure } from './figures/index.ts'
import type { Tabular } from './formats/tabular.ts'
import type { Figure } from './pictures/figure.ts'
import type { RunRecord } from './runRecord.ts'

export interface ContentOptions extends Pick<FigureOptions, 'space'> {
  /** Whether runs under different protocols may stand side by side. */
  readonly mix?: boolean
  /** Id of a published table; or `auto`, those that fit the runs; or `none`. */
  readonly published: string
  /** Names of the algorithms that answer with a fixed architecture. */
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

/**
 * Returns the tables of a report: of full trainings one; of searches means, medians and, where they can be paired,
 * tests.
 */
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

/** Returns the figures for which the runs have the numbers. @param isShown chooses among the kinds; absent: all */
export async function figuresOf(
  runs: readonly RunRecord[],
  { space, references }: Pick<ContentOptions, 'space' | 'references'>,
  isShown: (kind: FigureKind) => boolean = () => true,
): Promise<readonly NamedFigure[]> {
  const figures: NamedFigure[] = []
  for (const kind of Object.keys(figureKinds) as FigureKind[]) {
    const figure = isShown(kind) ? await figureIfKnown(kind, runs, { space, references }) : undefined
    if (figure !== undefined && figure.panels.length > 0) figures.push({ title: figureKinds[kind].title, figure })
  }
  return figures
}

/** Codes of the errors that `makeFigure` throws where the runs lack the numbers, or this machine the lookup table. */
const ABSENT: ReadonlySet<ErrorCode> = new Set(['missing', 'unknown-name', 'bad-input', 'unsupported'])

async function figureIfKnown(kind: FigureKind, runs: readonly RunRecord[], options: FigureOptions) {
  try {
    return await makeFigure(kind, runs, options)
  } catch (error) {
    if (error instanceof BenchError && ABSENT.has(error.code)) return undefined
    throw error
  }
}
