/**
 * DARTS- (Chu, Wang, Zhang, Lu, Wei, Yan: "DARTS-: Robustly Stepping out of Performance Collapse Without Indicators",
 * ICLR 2021). DARTS whose edges all have an auxiliary skip connection beside the candidate operations, so that the
 * candidate skip connection does not have to help the training of the supernet:
 *
 *     x_e ↦ β·x_e + Σ_o softmax(α_e)_o · o(x_e),   β from 1 down to 0 linearly over the epochs              (eq. 9)
 *
 * β_e = β·(1 − e/E) in epoch e = 0 … E − 1 (`Meituan-AutoML/DARTS-`: utils.py, DecayScheduler), the option `beta` is the
 * paper's first β. Where an edge halves the image, the auxiliary skip connection is a factorised reduction with weights
 * of its own, as in that code. It is not part of the architecture: it has no α, and is gone at the end. The authors
 * published no code for NAS-Bench-201, where no edge has a stride.
 */
import { z } from 'zod'
import { defineAlgorithm } from '../core/algorithm.ts'
import type { Relaxation } from '../core/mixing.ts'
import { linear } from '../training/schedule.ts'
import { softmaxRelaxation } from './distributions/categorical.ts'
import { bilevelSearch, initialParameters } from './shared/bilevel.ts'
import { number } from './shared/options.ts'

/** DARTS' relaxation in a supernet whose auxiliary skip connections have the weight β. */
export const withAuxiliarySkip = (beta: number): Relaxation => ({
  stochastic: false,
  relax(alpha) {
    const { mixing, pullback } = softmaxRelaxation.relax(alpha)
    return { mixing: { ...mixing, auxiliary: beta }, pullback }
  },
})

/** The algorithm `darts-minus`: DARTS with auxiliary skip connections that fade out. */
export const dartsMinus = defineAlgorithm({
  name: 'darts-minus',
  version: 1,
  description: 'DARTS- : DARTS with an auxiliary skip connection on every edge, which fades out over the epochs',
  source: 'Chu et al., "DARTS-: Robustly Stepping out of Performance Collapse Without Indicators", ICLR 2021',
  look: { colour: 'vermilion', dash: 'longDashed', marker: 'star' },
  kind: 'supernet',
  options: z.strictObject({
    beta: number(1, 'β: weight of the auxiliary skip connections in the first epoch (§3.3; args.py, skip_beta)', 0),
  }),
  check: ({ network }) => void network({ auxiliarySkip: true }),
  search: (context, { beta }) =>
    bilevelSearch(context, {
      start: initialParameters(context),
      relaxation: (epoch) => withAuxiliarySkip(linear(epoch, context.protocol.epochs, beta, 0)),
      extra: (_, epoch) => ({ beta: linear(epoch, context.protocol.epochs, beta, 0) }),
      supernet: { auxiliarySkip: true },
    }),
})
