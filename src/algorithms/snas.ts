/**
 * SNAS (Xie, Zheng, Liu, Lin: "SNAS: Stochastic Neural Architecture Search", ICLR 2019). The mixing weights are a
 * relaxed Gumbel-softmax sample, and the gradient of α goes through the sample (eq. 3-6, without the resource
 * constraint).
 *
 * The code calls the probabilities p (α in the paper), the sample y (Z in the paper) and the temperature τ (λ in the
 * paper). The paper trains w and α on one loss. The comparisons on NAS-Bench-201 train them in alternating steps on two
 * halves of the data, with τ = 10 − 9·e/E in epoch e = 0 … E − 1 (the code of DrNAS, the source of the published row);
 * this file does the same.
 */
import { z } from 'zod'
import { defineAlgorithm } from '../core/algorithm.ts'
import { linear } from '../training/schedule.ts'
import { checkFalling, relaxedGumbel } from './distributions/categorical.ts'
import { bilevelSearch, initialParameters } from './shared/bilevel.ts'
import { number } from './shared/options.ts'

/** The algorithm `snas`: DARTS with mixing weights drawn from a relaxed Gumbel-softmax. */
export const snas = defineAlgorithm({
  name: 'snas',
  version: 2,
  description: 'Mixing weights drawn from a relaxed Gumbel-softmax, its temperature falling',
  source: 'Xie et al., "SNAS: Stochastic Neural Architecture Search", ICLR 2019',
  look: { colour: 'sky', dash: 'dotted', marker: 'rect' },
  kind: 'supernet',
  options: z.strictObject({
    tauMax: number(10, 'temperature of the first epoch (DrNAS, 201-space/train_search.py)', 1e-3),
    tauMin: number(
      1,
      'temperature that the line reaches after the last epoch (DrNAS, 201-space/train_search.py)',
      1e-3,
    ),
  }),
  check: (_, options) => checkFalling('snas', options),
  search: (context, { tauMax, tauMin }) =>
    bilevelSearch(context, {
      start: initialParameters(context),
      relaxation: (epoch) => relaxedGumbel(linear(epoch, context.protocol.epochs, tauMax, tauMin)),
    }),
})
