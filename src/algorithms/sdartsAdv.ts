/**
 * SDARTS-ADV (Chen and Hsieh: "Stabilizing Differentiable Architecture Search via Perturbation-based Regularization",
 * ICML 2020). DARTS whose weight steps train at the worst mixing weights near θ = softmax(α):
 *
 *     min over w of max over ‖δ‖_∞ ≤ ε of L_train(w, θ + δ)                                                   (eq. 6)
 *
 * The inner maximum is sought by projected gradient ascent on the training batch: a random start in [−ε, ε], then 7
 * steps of 2ε/7 along the sign of the gradient, each followed by the projection on the ε-box around θ and by
 * `clampedToSimplex`. The network is in evaluation mode meanwhile, and the perturbation is given up where the loss fell.
 * ε grows from 0.03 in the first epoch to 0.3 after the last (`xiangning-chen/SmoothDARTS`: attacker/perturb.py,
 * nasbench201/train_search.py). A weight step costs nine more passes.
 */
import { z } from 'zod'
import { defineAlgorithm } from '../core/algorithm.ts'
import type { Batch } from '../core/data.ts'
import { type Matrix, map, zip } from '../core/mixing.ts'
import type { RandomStream } from '../core/random.ts'
import type { Supernet } from '../core/supernet.ts'
import { linear } from '../training/schedule.ts'
import { softmaxRelaxation } from './distributions/categorical.ts'
import { checkEpsilons, clampedToSimplex } from './sdartsRs.ts'
import { bilevelSearch, initialParameters } from './shared/bilevel.ts'
import { count, flag, number } from './shared/options.ts'

/** Settings of the search for the worst mixing weights. */
export interface Attack {
  /** Largest change ε of a mixing weight, before `clampedToSimplex`. */
  readonly epsilon: number
  /** Number of ascent steps. */
  readonly steps: number
  /** Whether the ascent begins at a random point of the ε-box; if not, at θ. */
  readonly randomStart: boolean
}

/**
 * Returns mixing weights near θ under which the loss of a batch is high, found by projected gradient ascent; θ itself if
 * the loss fell on the way.
 */
export async function worstMixing(
  supernet: Supernet,
  batch: Batch,
  theta: Matrix,
  { epsilon, steps, randomStart }: Attack,
  stream: RandomStream,
): Promise<Matrix> {
  const lossAt = async (point: Matrix) => (await supernet.evaluate([batch], { theta: point }, 'eval')).loss
  const before = await lossAt(theta)
  const within = (point: Matrix) => zip(point, theta, (p, t) => t + Math.min(epsilon, Math.max(-epsilon, p - t)))
  let worst = randomStart ? clampedToSimplex(map(theta, (t) => t + epsilon * (2 * stream.uniform() - 1))) : theta
  for (let step = 0; step < steps; step++) {
    const { mixing } = await supernet.gradient(batch, { theta: worst }, { mode: 'eval' })
    const moved = zip(worst, mixing.theta, (t, g) => t + ((2 * epsilon) / steps) * Math.sign(g))
    worst = clampedToSimplex(within(moved))
  }
  return (await lossAt(worst)) < before ? theta : worst
}

/** The algorithm `sdarts-adv`: DARTS whose weight steps train at adversarially perturbed mixing weights. */
export const sdartsAdv = defineAlgorithm({
  name: 'sdarts-adv',
  version: 1,
  description: 'DARTS whose weights train at the worst mixing weights near softmax(α), found by gradient ascent',
  source: 'Chen and Hsieh, "Stabilizing Differentiable Architecture Search via Perturbation", ICML 2020',
  look: { colour: 'green', dash: 'longDashed', marker: 'star' },
  kind: 'supernet',
  options: z.strictObject({
    epsilon: number(0.3, 'ε that the line reaches after the last epoch (train_search.py, epsilon_alpha)', 0),
    epsilonMin: number(0.03, 'ε of the first epoch (train_search.py)', 0),
    steps: count(7, 'ascent steps of 2ε/steps (perturb.py)'),
    randomStart: flag(true, 'begin the ascent at a random point of the ε-box (perturb.py)'),
  }),
  check: (planned, given) => checkEpsilons('sdarts-adv', planned, given),
  search(context, { epsilon, epsilonMin, ...attack }) {
    const epsilonOf = (epoch: number) => linear(epoch, context.protocol.epochs, epsilonMin, epsilon)
    return bilevelSearch(context, {
      start: initialParameters(context),
      relaxation: () => softmaxRelaxation,
      async weightMixing(stream, alpha, epoch, { supernet, batch }) {
        const { theta } = softmaxRelaxation.relax(alpha).mixing
        return { theta: await worstMixing(supernet, batch, theta, { ...attack, epsilon: epsilonOf(epoch) }, stream) }
      },
      extra: (_, epoch) => ({ epsilon: epsilonOf(epoch) }),
    })
  },
})
