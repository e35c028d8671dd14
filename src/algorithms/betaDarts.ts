/**
 * β-DARTS (Ye, Li, Li, Chen, Ouyang: "β-DARTS: Beta-Decay Regularization for Differentiable Architecture Search", CVPR
 * 2022). First-order DARTS with a penalty on α that keeps its softmax, the paper's β, from growing apart:
 *
 *     min over α of L_val(w*(α), α) + λ_e · mean over edges of log Σ_o exp(α_o)
 *
 * The gradient of the penalty is λ_e · softmax(α) / (number of edges): the larger a mixing weight, the more its α is
 * pulled down. λ grows linearly from 0, as in the authors' code, where λ_e = 50·e/100 in epoch e of 100. Here it
 * follows the fraction of the epochs, λ_e = lambda·e/epochs, so that a shorter search goes through the same range. On
 * the DARTS space that code has the same line and 50 epochs, so that λ ends near 25 (`lambda=25` here).
 *
 * The weight decay of Adam on α stays that of the protocol, as in the authors' code. The mean is over all edges of the
 * space; on the DARTS space these are the edges of both cell types.
 */
import { z } from 'zod'
import { defineAlgorithm } from '../core/algorithm.ts'
import { softmax } from '../core/mixing.ts'
import { softmaxRelaxation } from './distributions/categorical.ts'
import { bilevelSearch, initialParameters, type Penalty, requireGrowth } from './shared/bilevel.ts'
import { number } from './shared/options.ts'

/**
 * β-DARTS' penalty in an epoch e: λ_e · mean over the rows of α of logsumexp(row), with λ_e = lambda·e/epochs.
 * @param epochs number of epochs of the search
 */
export function betaDecay(lambda: number, epochs: number): Penalty {
  const weight = (epoch: number) => (lambda * epoch) / epochs
  return {
    value: (alpha, epoch) => (weight(epoch) * alpha.reduce((sum, row) => sum + logSumExp(row), 0)) / alpha.length,
    gradient: (alpha, epoch) => alpha.map((row) => softmax(row).map((beta) => (weight(epoch) * beta) / alpha.length)),
  }
}

/** Computes log Σ exp(x_i) without overflow. */
function logSumExp(row: readonly number[]): number {
  const largest = Math.max(...row)
  return largest + Math.log(row.reduce((sum, value) => sum + Math.exp(value - largest), 0))
}

/** The algorithm `beta-darts`: first-order DARTS with β-DARTS' penalty on the architecture parameters. */
export const betaDarts = defineAlgorithm({
  name: 'beta-darts',
  version: 1,
  description: 'DARTS with a penalty, growing by the epoch, on large architecture parameters',
  source: 'Ye et al., "β-DARTS: Beta-Decay Regularization for Differentiable Architecture Search", CVPR 2022',
  look: { colour: 'blue', dash: 'dashDotDotted', marker: 'cross' },
  kind: 'supernet',
  options: z.strictObject({
    lambda: number(
      50,
      "weight of the penalty after the last epoch, growing linearly from 0 (the authors' code; 25 on the DARTS space)",
      0,
    ),
  }),
  check: ({ protocol }) => requireGrowth('beta-darts', 'λ', protocol),
  search: (context, { lambda }) =>
    bilevelSearch(context, {
      start: initialParameters(context),
      relaxation: () => softmaxRelaxation,
      penalty: betaDecay(lambda, context.protocol.epochs),
    }),
})
