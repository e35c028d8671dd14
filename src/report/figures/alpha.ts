/**
 * The figure `alpha`: entropy of a supernet's mixing weights θ over the epochs of a search. If all runs are of one method
 * on one dataset, it shows the mixing weights of every edge instead.
 */

import type { AlphaRecord } from '../../analysis/probes/alpha.ts'
import { BenchError } from '../../core/errors.ts'
import { extent } from '../../core/numbers.ts'
import type { Edge } from '../../core/space.ts'
import { epochAxis, type Figure, type Plot, type Series } from '../pictures/figure.ts'
import { operationLooks } from '../pictures/palette.ts'
import type { RunRecord } from '../runRecord.ts'
import {
  bandOfRuns,
  customarySpread,
  inPanelsOfAll,
  type MethodsOnDataset,
  onEachDataset,
  type ShownMethod,
  type Spread,
  shownMethods,
  spreadWords,
  withRuns,
} from './shared.ts'

/**
 * Returns the figure `alpha` of the supernet's mixing weights over the epochs.
 * @param edges edges of the cell in the runs' search space
 * @param spread bands around the means of the seeds; absent: the customary ones
 * @throws BenchError `missing` if no run was measured by the probe `alpha`
 */
export function alphaFigure(runs: readonly RunRecord[], edges: readonly Edge[], spread?: Spread): Figure {
  const methods = withRuns(shownMethods(runs), (run) => records(run).length > 0)
  if (methods.length === 0) {
    throw new BenchError('missing', 'no run was measured with the alpha probe; run again with --probe alpha')
  }
  const groups = onEachDataset(methods)
  return methods.length === 1 && groups.length === 1
    ? edgeFigure(methods[0], edges, spread ?? 'range')
    : entropyFigure(groups, spread ?? customarySpread(methods))
}

function entropyFigure(groups: readonly MethodsOnDataset[], spread: Spread): Figure {
  const curveOf = (run: RunRecord) => new Map(records(run).map(({ epoch, record }) => [epoch + 1, record.meanEntropy]))
  const plots = groups.map(({ title, methods }): Plot => {
    const series = methods.map(
      ({ label, look, runs }): Series => ({ label, look, form: 'line', ...bandOfRuns(runs, curveOf, spread) }),
    )
    return { kind: 'plot', title, x: epochAxis, y: { label: 'entropy (nats)', scale: 'linear' }, series }
  })
  return {
    name: 'alpha',
    caption: `Entropy of the mixing weights, mean over the edges; ${spreadWords(spread)}. 0 is decided.`,
    ...inPanelsOfAll(plots),
  }
}

function edgeFigure(method: ShownMethod, edges: readonly Edge[], spread: Spread): Figure {
  const isNamed = new Set(edges.map(({ cell }) => cell)).size > 1
  const title = ({ cell, from, to }: Edge) => `${isNamed ? `${cell} ` : ''}edge (${from}, ${to})`
  const series = edges.map((edge, index) => edgeSeries(method, edge, index, spread))
  const [, highest] = extent(series.flat().flatMap(({ band = [] }) => band.map(({ high }) => high ?? 0)))
  const panels = edges.map((edge, index): Plot => {
    const y = { label: 'mixing weight θ', scale: 'linear', atLeast: [0, highest] } as const
    return { kind: 'plot', title: title(edge), x: epochAxis, y, series: series[index] }
  })
  return {
    name: 'alpha',
    caption: `Mixing weights of ${method.label} on every edge; ${spreadWords(spread)} (n = ${method.runs.length}).`,
    columns: edges.length > 6 ? 4 : 3,
    panels,
  }
}

/** Returns one line for each operation of an edge: its mixing weight over the epochs. */
function edgeSeries({ runs }: ShownMethod, { operations }: Edge, edge: number, spread: Spread): Series[] {
  return operations.map((operation, op) => {
    const label = operationWords(operation)
    const curveOf = (run: RunRecord) =>
      new Map(records(run).map(({ epoch, record }) => [epoch + 1, record.theta[edge]?.[op] ?? Number.NaN]))
    return {
      label,
      look: operationLooks[op % operationLooks.length],
      form: 'line',
      ...bandOfRuns(runs, curveOf, spread),
    }
  })
}

/** Returns an operation's name as people write it: `conv 3×3` for `nor_conv_3x3`, `skip` for `skip_connect`. */
export const operationWords = (operation: string): string =>
  operation
    .replace(/^nor_/, '')
    .replace(/^skip_connect$/, 'skip')
    .replaceAll('_', ' ')
    .replace(/(\d)x(\d)/, '$1×$2')

const records = ({ epochs }: RunRecord) =>
  epochs.flatMap(({ epoch, probes }) =>
    probes?.alpha === undefined ? [] : [{ epoch, record: probes.alpha as AlphaRecord }],
  )
