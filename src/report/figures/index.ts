/** All kinds of figures, by the name typed after `bench plot`. */
import { BenchError } from '../../core/errors.ts'
import { unknownName } from '../../core/names.ts'
import type { SearchSpace } from '../../core/space.ts'
import { listTables, openTable } from '../../tables/openTable.ts'
import { onlySpace } from '../comparison/comparison.ts'
import type { Figure } from '../pictures/figure.ts'
import { areRetrained } from '../retrained/rows.ts'
import type { RunRecord } from '../runRecord.ts'
import { alphaFigure } from './alpha.ts'
import { anytimeFigure } from './anytime.ts'
import { cellsFigure } from './cells.ts'
import { type HessianQuantity, hessianFigure } from './hessian.ts'
import { type ParetoCost, paretoFigure } from './pareto.ts'
import { rangeFigure } from './range.ts'
import { ranksFigure } from './ranks.ts'
import { scatterFigure } from './scatter.ts'
import type { Spread } from './seedBands.ts'

export const figureKinds = {
  hessian: 'eigenvalues of the Hessian over the epochs (--probe hessian)',
  range: 'accuracies of architectures sampled from the search (--probe range)',
  anytime: 'accuracy of the answer over epochs or simulated time',
  alpha: 'mixing weights or their entropy over the epochs (--probe alpha)',
  pareto: 'size against accuracy, with the front',
  ranks: 'average ranks with the critical difference',
  cells: 'the architectures found',
  scatter: 'all architectures of the table, with the ways of the searches',
} as const

export type FigureKind = keyof typeof figureKinds

export interface FigureOptions {
  /** Of the runs. */
  readonly space: SearchSpace
  /** Algorithms that answer with a fixed architecture, which has no rank among searches. */
  readonly references: ReadonlySet<string>
  readonly quantity?: HessianQuantity
  readonly spread?: Spread
  readonly cost?: ParetoCost
}

/** @throws BenchError `missing` where the runs have nothing for this kind, `bad-input` where they search several spaces */
export async function makeFigure(
  kind: FigureKind,
  runs: readonly RunRecord[],
  options: FigureOptions,
): Promise<Figure> {
  if (!areRetrained(runs)) onlySpace(runs)
  switch (kind) {
    case 'hessian':
      return hessianFigure(runs, options)
    case 'range':
      return rangeFigure(runs)
    case 'anytime':
      return anytimeFigure(runs, options.spread)
    case 'alpha':
      return alphaFigure(runs, options.space.edges)
    case 'pareto':
      return paretoFigure(runs, options.cost)
    case 'ranks':
      return ranksFigure(runs, options.references)
    case 'cells':
      return cellsFigure(runs, options.space)
    case 'scatter':
      return scatterFigure(runs, await openTable(await onlyTable(runs)))
  }
}

/** By its name alone: a path in a foreign record is not followed. @throws BenchError `missing` or `unknown-name` */
async function onlyTable(runs: readonly RunRecord[]): Promise<string> {
  const names = [...new Set(runs.map(({ manifest }) => manifest.job.table?.name ?? 'none'))]
  const [name] = names
  if (names.length === 1 && name !== 'none') {
    const known = await listTables()
    if (known.includes(name)) return name
    throw unknownName('table', name, known)
  }
  const found = names.join(' and ')
  throw new BenchError('missing', `all architectures are those of one table; found ${found}; choose with --table`)
}
