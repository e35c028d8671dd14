/** Computes the content of a report on runs: the tables, and every kind of figure for which the runs have the data. */
import { BenchError, type ErrorCode } from '../core/errors.ts'
import { freeMemory } from '../system/freeMemory.ts'
import { type Claims, claimsTable } from './comparison/claims.ts'
import { compare } from './comparison/comparison.ts'
import { comparisonTable } from './comparison/comparisonTable.ts'
import { pairwiseTable } from './comparison/pairwiseTable.ts'
import { publishedBeside } from './comparison/published.ts'
import { areRetrained } from './comparison/retrainedRuns.ts'
import { retrainedTable } from './comparison/retrainedTable.ts'
import { type FigureKind, type FigureOptions, figureKinds, makeFigure } from './figures/index.ts'
import type { Tabular } from './formats/tabular.ts'
import { hyperparameterTable } from './kit/hyperparameters.ts'
import { improvementTable, type TableMean } from './kit/improvement.ts'
import { type LedgerOptions, ledgerTable } from './kit/ledger.ts'
import type { Figure } from './pictures/figure.ts'
import type { PlannedRuns } from './plannedRuns.ts'
import type { RunRecord } from './runRecord.ts'

export interface ContentOptions extends Pick<FigureOptions, 'space'>, LedgerOptions {
  /** Whether runs under different protocols may be in one table; otherwise such runs are rejected with an error. */
  readonly mix?: boolean
  /** Published table whose rows are shown below ours: its id; `auto` for the one that fits the runs; or `none`. */
  readonly published: string
  /** Names of the reference algorithms, which answer with a fixed architecture and do not search. */
  readonly references: ReadonlySet<string>
  /** Claims of papers with which the runs are compared; absent: none. */
  readonly claims?: Claims
  /** Whether the tables of a paper kit are wanted: compute, improvement over a random baseline, hyper-parameters. */
  readonly kit?: boolean
  /** Mean accuracies of the lookup table, the baseline of the relative improvement; absent: not known. */
  readonly tableMeans?: readonly TableMean[]
  /** The planned runs of the experiment of which some may be missing; absent: not known. */
  readonly planned?: PlannedRuns
}

/** Names of the tables of a paper kit. */
export type KitTable = 'compute' | 'improvement' | 'hyperparameters'

export interface NamedTable {
  readonly name: 'claims' | 'table' | 'median' | 'tests' | KitTable
  readonly title: string
  readonly table: Tabular
}

export interface NamedFigure {
  readonly title: string
  readonly figure: Figure
}

/**
 * Returns the tables of a report. Full trainings have one table. Searches have a table of means, one of medians, and
 * one of paired tests if enough seeds are common to the searches and all follow one protocol. A table of claims comes first if there are any.
 */
export function tablesOf(runs: readonly RunRecord[], options: ContentOptions): readonly NamedTable[] {
  const { claims, references } = options
  const judged = claims && claimsTable(runs, claims, references)
  return [
    ...(judged ? [{ name: 'claims' as const, title: 'Claims of the papers', table: judged }] : []),
    ...numberTables(runs, options),
    ...(options.kit ? kitTables(runs, options) : []),
  ]
}

/**
 * Throws if the runs cannot be in one table of searches. It takes no time, unlike figures, after which `tablesOf` would
 * throw.
 * @throws BenchError as `compare`
 */
export function requireComparable(runs: readonly RunRecord[], options: Pick<ContentOptions, 'mix'>): void {
  if (!areRetrained(runs)) compare(runs, options)
}

function kitTables(runs: readonly RunRecord[], options: ContentOptions): readonly NamedTable[] {
  const { references, tableMeans } = options
  const improvement = improvementTable(runs, references, tableMeans)
  return [
    ...(improvement
      ? [{ name: 'improvement' as const, title: 'Improvement over a random baseline', table: improvement }]
      : []),
    { name: 'compute', title: 'Compute', table: ledgerTable(runs, options) },
    { name: 'hyperparameters', title: 'Hyper-parameters', table: hyperparameterTable(runs) },
  ]
}

function numberTables(runs: readonly RunRecord[], options: ContentOptions): readonly NamedTable[] {
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

/**
 * Returns the figures of a report: every chosen kind for which the runs have the data.
 * @param isShown tells whether a kind of figure is chosen; absent: all kinds are
 * @param onFigure is called with each figure as soon as it is computed
 */
export async function figuresOf(
  runs: readonly RunRecord[],
  { space, references, recordsOnly }: Pick<FigureOptions, 'space' | 'references' | 'recordsOnly'>,
  isShown: (kind: FigureKind) => boolean = () => true,
  onFigure: (figure: Figure) => void = () => undefined,
): Promise<readonly NamedFigure[]> {
  const figures: NamedFigure[] = []
  for (const kind of Object.keys(figureKinds) as FigureKind[]) {
    const figure = isShown(kind) ? await figureIfKnown(kind, runs, { space, references, recordsOnly }) : undefined
    freeMemory()
    if (figure === undefined || figure.panels.length === 0) continue
    figures.push({ title: figureKinds[kind].title, figure })
    onFigure(figure)
  }
  return figures
}

/**
 * Codes of the errors after which a report leaves a figure out: `makeFigure` throws them if the runs lack the data of
 * the figure or the lookup table is not installed.
 */
const ABSENT: ReadonlySet<ErrorCode> = new Set(['missing', 'unknown-name', 'bad-input', 'unsupported'])

async function figureIfKnown(kind: FigureKind, runs: readonly RunRecord[], options: FigureOptions) {
  try {
    return await makeFigure(kind, runs, options)
  } catch (error) {
    if (error instanceof BenchError && ABSENT.has(error.code)) return undefined
    throw error
  }
}
