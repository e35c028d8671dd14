/** The figure `skips`: number of skip connections in the derived architecture over the epochs of a search. */
import { BenchError } from '../../core/errors.ts'
import { capitalize } from '../../core/plainText.ts'
import { epochAxis, type Figure, type Series } from '../pictures/figure.ts'
import type { RunRecord } from '../runRecord.ts'
import { bandOfRuns, customarySpread, inPanels, type Spread, shownMethods, spreadWords, withRuns } from './shared.ts'

/**
 * Returns the figure `skips`. A growing number of skip connections is the symptom of DARTS' collapse.
 * @throws BenchError `missing` if no run trained a supernet on a space with skip connections
 */
export function skipsFigure(runs: readonly RunRecord[], spread?: Spread): Figure {
  const methods = withRuns(shownMethods(runs), (run) => run.result?.oracle === undefined && run.epochs.length > 1)
  const shown = spread ?? customarySpread(methods)
  const series = methods.map(({ label, look, runs: own }): Series => {
    const curveOf = ({ epochs }: RunRecord) =>
      new Map(epochs.map(({ epoch, genotype }) => [epoch + 1, skipsIn(genotype)]))
    return { label, look, form: 'line', ...bandOfRuns(own, curveOf, shown) }
  })
  if (series.every(({ points }) => points.every(({ y }) => y === 0))) {
    throw new BenchError('missing', 'no search has skip connections in the architectures of its epochs')
  }
  return {
    name: 'skips',
    caption: `Skip connections in the architecture that a search would answer after each epoch. ${capitalize(spreadWords(shown))}.`,
    ...inPanels({ kind: 'plot', title: '', x: epochAxis, y: { label: 'skip connections', scale: 'linear' }, series }),
  }
}

/** Returns the number of skip connections in an architecture string. */
const skipsIn = (genotype: string): number => genotype.match(/\bskip_connect\b/g)?.length ?? 0
