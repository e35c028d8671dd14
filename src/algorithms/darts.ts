/**
 * DARTS (Liu, Simonyan, Yang: "DARTS: Differentiable Architecture Search", ICLR 2019), the method that the others change.
 *
 * Every edge computes all its operations and mixes them by a softmax of α (eq. 2); α descends the validation loss and w
 * the training loss by turns (algorithm 1). `darts-v1` takes ∂L_val/∂α at the current w (ξ = 0); `darts-v2` at w after
 * one step of SGD, and through that step (`unrolled.ts`). Paper's letters: α, w, ξ as here.
 *
 * On NAS-Bench-201 the zero operation takes part in the choice, as in that benchmark's own runs; on the DARTS space
 * `derive` follows the paper's §2.4.
 *
 * Both can be ended early by the dominant eigenvalue, as RobustDARTS does (`earlyStopped.ts`).
 */
import { defineAlgorithm } from '../core/algorithm.ts'
import { softmaxRelaxation } from './distributions/softmax.ts'
import { choice, optionalNumber } from './options.ts'
import { bilevelSearch, initialParameters } from './supernet/bilevel.ts'
import { checkEarlyStop, earlyStopped, withEarlyStop } from './supernet/earlyStopped.ts'
import { unrolled } from './supernet/unrolled.ts'

const source = 'Liu et al., "DARTS: Differentiable Architecture Search", ICLR 2019'

export const dartsV1 = defineAlgorithm({
  name: 'darts-v1',
  version: 1,
  description: 'DARTS, first order: softmax mixing, architecture gradient at the current weights',
  source,
  look: { colour: 'vermilion', dash: 'solid', marker: 'triangle' },
  kind: 'supernet',
  options: withEarlyStop({}),
  check: ({ protocol }, options) => checkEarlyStop('darts-v1', protocol.epochs, options),
  async search(context, options) {
    const search = await bilevelSearch(context, {
      start: initialParameters(context),
      relaxation: () => softmaxRelaxation,
    })
    return earlyStopped(context, search, options)
  },
})

export const dartsV2 = defineAlgorithm({
  name: 'darts-v2',
  version: 2,
  description: 'DARTS, second order: architecture gradient through one unrolled weight step',
  source,
  look: { colour: 'orange', dash: 'dashed', marker: 'triangle' },
  kind: 'supernet',
  options: withEarlyStop({
    secondOrder: choice(['finite-difference', 'exact'], 'finite-difference', 'the Hessian-vector product (eq. 8)'),
    distance: optionalNumber('ε·‖v‖ of the differences; default: 0.01 (footnote 2), exact: 0.001', Number.MIN_VALUE),
  }),
  check: ({ protocol }, options) => checkEarlyStop('darts-v2', protocol.epochs, options),
  async search(context, options) {
    const search = await bilevelSearch(context, {
      start: initialParameters(context),
      relaxation: () => softmaxRelaxation,
      gradient: unrolled(options),
    })
    return earlyStopped(context, search, options)
  },
})
