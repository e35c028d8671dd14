/**
 * The figure `hessian`: eigenvalues and norms of the Hessian of the loss with respect to the architecture parameters,
 * over the epochs of a search (DrNAS, Figures 4 and 5; RobustDARTS, Figure 4).
 */
import type { HessianRecord } from '../../analysis/probes/hessian.ts'
import { BenchError } from '../../core/errors.ts'
import { capitalize } from '../../core/plainText.ts'
import { epochAxis, type Figure, type Series, scaleFor } from '../pictures/figure.ts'
import type { RunRecord } from '../runRecord.ts'
import {
  bandOfRuns,
  customarySpread,
  inPanelsOfAll,
  type MethodsOnDataset,
  MOST_TOGETHER,
  onEachDataset,
  type ShownMethod,
  type Spread,
  shownMethods,
  spreadWords,
  withRuns,
} from './shared.ts'

/** Quantities of the Hessian that the figure can show, each with the label of its axis. */
export const hessianQuantities = {
  dominantEigenvalue: 'dominant eigenvalue λmax',
  spectralNorm: 'spectral norm',
  trace: 'trace',
  frobeniusNorm: 'Frobenius norm',
} as const

export type HessianQuantity = keyof typeof hessianQuantities

/**
 * Returns the figure `hessian` of one quantity of the Hessian, such as its trace, over the epochs of searches.
 * @throws BenchError `missing` if no run was measured by the probe `hessian`
 */
export function hessianFigure(
  runs: readonly RunRecord[],
  { quantity = 'dominantEigenvalue', spread }: { quantity?: HessianQuantity; spread?: Spread } = {},
): Figure {
  const methods = withRuns(shownMethods(runs), (run) => trajectory(run, quantity).size > 0)
  if (methods.length === 0) {
    throw new BenchError('missing', 'no run was measured with the hessian probe; run again with --probe hessian')
  }
  const measured = methods.flatMap((method) => method.runs)
  const shown = spread ?? customarySpread(methods)
  const values = measured.flatMap((run) => [...trajectory(run, quantity).values()].filter(Number.isFinite))
  const scale = scaleFor(values.filter((value) => value !== 0))
  const hasGaps = scale === 'log' && values.includes(0)
  const groups = onEachDataset(methods)
  const name = hessianQuantities[quantity]
  const isCrowded = groups.some((group) => group.methods.length > MOST_TOGETHER)
  const label = isCrowded ? name.replace('dominant ', '') : name
  return {
    name: 'hessian',
    caption: `${capitalize(name)} of the Hessian of the ${lossNames(measured)} loss wrt the architecture parameters; ${spreadWords(shown)} (${seedCounts(groups)}). Stochastic relaxations are taken at ${places(measured)}.${hasGaps ? ' Values of 0, where the loss no longer depends on the parameters, are gaps.' : ''}`,
    ...inPanelsOfAll(
      groups.map(({ title, methods: own }) => ({
        ...{ kind: 'plot', title, x: epochAxis, y: { label, scale } },
        series: own.map((method) => seriesOf(method, quantity, shown, hasGaps)),
      })),
    ),
  }
}

/** @param hasGaps whether values of 0 are gaps, since the axis is logarithmic */
function seriesOf(
  { label, look, runs }: ShownMethod,
  quantity: HessianQuantity,
  spread: Spread,
  hasGaps: boolean,
): Series {
  const shown = (run: RunRecord) => {
    const values = trajectory(run, quantity)
    return hasGaps ? new Map([...values].map(([epoch, value]) => [epoch, value === 0 ? Number.NaN : value])) : values
  }
  return { label, look, form: 'line', ...bandOfRuns(runs, shown, spread) }
}

/** Returns a run's values of one Hessian quantity by epoch (from 1); NaN if the measured value was not finite. */
function trajectory({ epochs }: RunRecord, quantity: HessianQuantity): ReadonlyMap<number, number> {
  return new Map(
    epochs.flatMap(({ epoch, probes }) => {
      const record = probes?.hessian as HessianRecord | undefined
      return record === undefined ? [] : [[epoch + 1, record[quantity] ?? Number.NaN]]
    }),
  )
}

const records = (runs: readonly RunRecord[]) =>
  runs.flatMap(({ epochs }) => epochs.flatMap(({ probes }) => (probes?.hessian as HessianRecord | undefined) ?? []))

const lossNames = (runs: readonly RunRecord[]) =>
  [...new Set(records(runs).map(({ loss }) => (loss === 'val' ? 'validation' : 'training')))].join(' or ')

const places = (runs: readonly RunRecord[]) =>
  [...new Set(records(runs).map(({ at }) => (at === 'mean' ? 'their mean' : `the average of ${at}`)))].join(' or ')

function seedCounts(groups: readonly MethodsOnDataset[]): string {
  const counts = new Set(groups.flatMap(({ methods }) => methods.map(({ runs }) => runs.length)))
  if (counts.size === 1) return `n = ${[...counts][0]}`
  const each = groups.flatMap(({ title, methods }) =>
    methods.map(({ label, runs }) => `${title === '' ? label : `${label}, ${title}`}: n = ${runs.length}`),
  )
  return each.join(', ')
}
