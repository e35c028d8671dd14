/**
 * DARTS (Liu, Simonyan, Yang: "DARTS: Differentiable Architecture Search", ICLR 2019), on which the other
 * gradient-based algorithms build.
 *
 * Every edge computes all its operations and mixes them by a softmax of α (eq. 2). α descends the validation loss and w
 * the training loss, in alternating steps (algorithm 1). `darts-v1` takes ∂L_val/∂α at the current w (ξ = 0).
 * `darts-v2` takes it at the w after one SGD step, and differentiates through that step (`shared/unrolled.ts`). As in
 * the paper, α are the architecture parameters, w the network weights, and ξ the learning rate of that step.
 *
 * On NAS-Bench-201 the operation `none` can be chosen, as in the benchmark's own runs; on the DARTS space `derive`
 * follows §2.4 of the paper.
 */
import { z } from 'zod'
import { defineAlgorithm } from '../core/algorithm.ts'
import { softmaxRelaxation } from './distributions/categorical.ts'
import { bilevelSearch, initialParameters } from './shared/bilevel.ts'
import { choice, noOptions, optionalNumber } from './shared/options.ts'
import { unrolled } from './shared/unrolled.ts'

const source = 'Liu et al., "DARTS: Differentiable Architecture Search", ICLR 2019'

/** The algorithm `darts-v1`: DARTS with the first-order architecture gradient. */
export const dartsV1 = defineAlgorithm({
  name: 'darts-v1',
  version: 1,
  description: 'DARTS, first order: softmax mixing, architecture gradient at the current weights',
  source,
  look: { colour: 'vermilion', dash: 'solid', marker: 'triangle' },
  kind: 'supernet',
  options: noOptions,
  search: (context) =>
    bilevelSearch(context, { start: initialParameters(context), relaxation: () => softmaxRelaxation }),
})

/** The algorithm `darts-v2`: DARTS with the second-order architecture gradient. */
export const dartsV2 = defineAlgorithm({
  name: 'darts-v2',
  version: 2,
  description: 'DARTS, second order: architecture gradient through one unrolled weight step',
  source,
  look: { colour: 'orange', dash: 'dashed', marker: 'triangle' },
  kind: 'supernet',
  options: z.strictObject({
    secondOrder: choice(['finite-difference', 'exact'], 'finite-difference', 'the Hessian-vector product (eq. 8)'),
    distance: optionalNumber('ε·‖v‖ of the differences; default: 0.01 (footnote 2), exact: 0.001', Number.MIN_VALUE),
  }),
  search: (context, options) =>
    bilevelSearch(context, {
      start: initialParameters(context),
      relaxation: () => softmaxRelaxation,
      gradient: unrolled(options),
    }),
})
