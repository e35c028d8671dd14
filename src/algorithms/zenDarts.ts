/**
 * Multi-step DARTS (`multi-darts`), and the same with a zero-cost start (`zen-darts`) (Zhang: "A Zero-Cost DARTS Based
 * on Multi-Step Optimization").
 *
 *     n times  w ← w − ε ∇_w L_train(w, α),   then   α ← α − ε ∇_α L_val(w′, α)                              (eq. 6, 7)
 *
 * `multi-darts` takes n weight steps before each architecture step, which uses the resulting w′. `zen-darts` also
 * spends its first m epochs without labels: w and α both ascend Zen(F) = β₁·log(NTK) + β₂·BN on Gaussian inputs (eq.
 * 10; `zenEpoch.ts`), with the same n weight steps per architecture step, but in far fewer and larger steps.
 *
 * The paper leaves some choices open, which this file makes. Weight steps come first, whatever the protocol says,
 * because (6) precedes (7); they use the protocol's SGD. An epoch goes through the weight half n times, so that there
 * are as many architecture steps as in DARTS. n = 2 and m = 24 % of the epochs are consistent with the paper's only
 * figures: 2 GPU days where DARTS takes 1.75, with t₁ ≈ t₂ and a free start, (1 − m)·(2t₁ + t₂) / (t₁ + t₂) = 8/7. β₁ =
 * β₂ = 1. SGD's momentum is reset when the labels come in.
 *
 * The report of an epoch contains the paper's cost model: t₁ and t₂, the mean seconds of a weight and of an
 * architecture step, and (n·t₁ + t₂)·steps, for comparison with the measured time.
 */

import { z } from 'zod'
import { defineAlgorithm, type SearchContext } from '../core/algorithm.ts'
import { BenchError } from '../core/errors.ts'
import { pluralize } from '../core/plainText.ts'
import { softmaxRelaxation } from './distributions/categorical.ts'
import {
  type BilevelMethod,
  bilevelEpoch,
  bilevelSearch,
  type EpochRunner,
  initialParameters,
} from './shared/bilevel.ts'
import { count, dependentOptions, number, optionalCount } from './shared/options.ts'
import { costModel, timedSupernet, zenEpoch } from './zenEpoch.ts'

const source = 'Zhang, "A Zero-Cost DARTS Based on Multi-Step Optimization"'
const n = count(2, 'n: weight steps for each architecture step (§3.2)')

/** Message why the protocol's setting `stepOrder` does nothing in `multi-darts` and `zen-darts`. */
const WEIGHTS_FIRST = 'the weight steps come first'

/** Returns the bilevel method of DARTS with several weight steps per architecture step. */
const methodOf = (context: SearchContext, weightSteps: number): BilevelMethod => ({
  start: initialParameters(context),
  relaxation: () => softmaxRelaxation,
  weightSteps,
  stepOrder: 'weights-first',
})

/** Runs one epoch of multi-step DARTS, and adds the measured seconds of its steps and the cost model to its report. */
const timedEpoch: EpochRunner = async (context, method, supernet, state, epoch) => {
  const { timed, weightStep, architectureStep } = timedSupernet(supernet)
  const after = await bilevelEpoch(context, method, timed, state, epoch)
  const { batchesPerEpoch } = (await context.data()).weights
  const extra = costModel(method.weightSteps ?? 1, batchesPerEpoch, weightStep, architectureStep)
  return { ...after, report: { ...after.report, extra } }
}

/** The algorithm `multi-darts`: DARTS with several weight steps per architecture step. */
export const multiDarts = defineAlgorithm({
  name: 'multi-darts',
  version: 1,
  description: 'DARTS with several weight steps for each architecture step',
  source,
  look: { colour: 'purple', dash: 'dashDotted', marker: 'triangle' },
  kind: 'supernet',
  options: z.strictObject({ n }),
  idle: { stepOrder: WEIGHTS_FIRST },
  search: (context, options) => bilevelSearch(context, methodOf(context, options.n), timedEpoch),
})

const zenOptions = z.strictObject({
  n,
  m: optionalCount('m: epochs that ascend Zen (§3.3); default: 24 % of all, at least 1', 0),
  stride: count(16, 'epochs without labels take one step for so many batches, with √stride times the learning rates'),
  beta1: number(1, 'β₁: weight of log(NTK) (eq. 10)', 0),
  beta2: number(1, 'β₂: weight of BN (eq. 10)', 0),
})

/** The algorithm `zen-darts`: multi-step DARTS whose first epochs ascend a zero-cost score without labels. */
export const zenDarts = defineAlgorithm({
  name: 'zen-darts',
  version: 3,
  description: 'Multi-step DARTS whose first epochs ascend a zero-cost score, without labels',
  source,
  look: { colour: 'purple', dash: 'solid', marker: 'rectRot' },
  kind: 'supernet',
  options: dependentOptions(zenOptions, ['stride', 'beta1', 'beta2'], ({ m }) => m !== 0, 'm of at least 1'),
  idle: { stepOrder: WEIGHTS_FIRST, 'network.track': 'the BN term reads the variances that batch norms keep' },
  idleUnder({ m = 0 }, { epochs }) {
    const unseen = 'no epoch sees labelled images'
    const labelled = ['data.cropPadding', 'data.flip', 'data.cutout', 'data.cutoutGrows', 'data.sampling']
    return m < epochs ? {} : Object.fromEntries(labelled.map((setting) => [setting, unseen]))
  },
  check({ protocol: { epochs } }, { m = 0 }) {
    if (m <= epochs) return
    throw new BenchError(
      'bad-input',
      `zen-darts: m=${m} is more than the ${pluralize(epochs, 'epoch')}; give at most as many`,
    )
  },
  search(context, options) {
    const m = options.m ?? Math.max(1, Math.round(0.24 * context.protocol.epochs))
    const { affine } = context.protocol.network
    // The BN term reads the variances that batch norms keep.
    const method = { ...methodOf(context, options.n), supernet: { batchNorm: { affine, track: true } } }
    return bilevelSearch(context, method, async (given, _, supernet, state, epoch) => {
      if (epoch < m) return zenEpoch(given, method, supernet, state, epoch, options)
      if (epoch === m) supernet.momentum.scale(0)
      return timedEpoch(given, method, supernet, state, epoch)
    })
  },
})
