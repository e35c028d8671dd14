/**
 * NASP (Yao, Xu, Tu, Zhu: "Efficient Neural Architecture Search via Proximal Iterations", AAAI 2020). First-order DARTS
 * whose network is discrete in every step, and whose α stay continuous:
 *
 *     ᾱ = prox(α)                                        the architecture of α, as one-hot mixing weights
 *     α ← clip(α − step along ∇_ᾱ L_val(w, ᾱ), 0, 1)     the gradient at ᾱ, applied to α; the step is Adam's
 *     w ← w − step along ∇_w L_train(w, ᾱ)               computes the chosen operations alone
 *
 * prox is the derivation of the space: the largest α of each edge, and on the DARTS space the two strongest edges of each
 * node; on NAS-Bench-201 all edges stay. The architecture step computes all operations, because each needs a gradient.
 *
 * α starts at ½ + 10⁻³·N(0, 1). Exactly ½ would choose the first operation, `none`, on every edge. The authors search
 * normal and reduction cells over different lists of operations; here both have those of the space. The regulariser
 * on the size of the model is left out.
 */
import { defineAlgorithm } from '../core/algorithm.ts'
import { type Matrix, map, onlyOnes, type Relaxation } from '../core/mixing.ts'
import type { SearchSpace } from '../core/space.ts'
import { type AdamState, adam, adamStart } from './shared/adam.ts'
import { bilevelSearch, initialParameters, type ParameterUpdate } from './shared/bilevel.ts'
import { noOptions } from './shared/options.ts'

/** NASP's proximal step: the architecture that α derives, as one-hot mixing weights; edges that it drops are zero. */
export const proximal = (space: SearchSpace, alpha: Matrix): Matrix => space.oneHot(space.derive(alpha))

/** NASP's relaxation: mixing weights prox(α), whose gradient is applied to α itself. */
export const proximalRelaxation = (space: SearchSpace): Relaxation => ({
  stochastic: false,
  relax: (alpha) => ({ mixing: { theta: proximal(space, alpha) }, pullback: (gradient) => gradient.theta }),
})

/** NASP's update of α: Adam's step, then each α is clipped to [0, 1]. */
export const clippedAdam: ParameterUpdate = {
  start: adamStart,
  step(parameters, gradient, state, { settings }) {
    const moved = adam(parameters, gradient, state as AdamState, settings)
    return { parameters: map(moved.parameters, (a) => Math.min(1, Math.max(0, a))), state: moved.state }
  },
}

/** The algorithm `nasp`: discrete mixing weights in every step, learnt by proximal iterations. */
export const nasp = defineAlgorithm({
  name: 'nasp',
  version: 1,
  description: 'One operation an edge in every step, chosen by α that a proximal step keeps in [0, 1]',
  source: 'Yao et al., "Efficient Neural Architecture Search via Proximal Iterations", AAAI 2020',
  look: { colour: 'purple', dash: 'dashDotDotted', marker: 'cross' },
  kind: 'supernet',
  options: noOptions,
  exceptions: {
    'mixing weights are not negative and sum to 1 on each edge that is computed':
      'architecture steps compute the operations of edges whose weights are zero, for their gradients',
  },
  search: (context) =>
    bilevelSearch(context, {
      start: map(initialParameters(context), (noise) => 0.5 + noise),
      relaxation: () => proximalRelaxation(context.space),
      weightMixing: (_, alpha) => onlyOnes(proximal(context.space, alpha)),
      update: clippedAdam,
    }),
})
