/**
 * SDARTS-RS, random smoothing (Chen and Hsieh: "Stabilizing Differentiable Architecture Search via Perturbation-based
 * Regularization", ICML 2020). First-order DARTS whose weight step is taken at perturbed mixing weights, so that w fits
 * a neighbourhood of α instead of α alone:
 *
 *     w*(α) = argmin over w of E_{δ ~ U(−ε, ε)} L_train(w, ᾱ + δ)
 *
 * ᾱ = softmax(α); each weight step draws one δ, an independent number for each operation of each edge. As in the
 * authors' code, ᾱ + δ is clamped to [0, 1] and divided by its sum; an edge on which nothing is left takes the operation
 * that was largest before clamping. Architecture steps and the derivation use softmax(α) itself.
 *
 * ε grows linearly, ε_e = epsilonMin + (epsilon − epsilonMin)·e/epochs in epoch e as in that code: it follows the
 * fraction of the epochs. With ε = 0 the method is DARTS.
 */
import { z } from 'zod'
import { defineAlgorithm, type PlannedSearch } from '../core/algorithm.ts'
import { BenchError } from '../core/errors.ts'
import { argmax, type Matrix, map, softmax } from '../core/mixing.ts'
import type { RandomStream } from '../core/random.ts'
import { linear } from '../training/schedule.ts'
import { softmaxRelaxation } from './distributions/categorical.ts'
import { bilevelSearch, initialParameters, requireGrowth } from './shared/bilevel.ts'
import { number } from './shared/options.ts'

/**
 * Makes mixing weights of any numbers, as SDARTS does after a perturbation: each row [op] is clamped to [0, 1] and
 * divided by its sum. A row that is all zero after clamping becomes one-hot at its largest number.
 */
export const clampedToSimplex = (perturbed: Matrix): Matrix =>
  perturbed.map((row) => {
    const clamped = row.map((value) => Math.min(1, Math.max(0, value)))
    const sum = clamped.reduce((total, value) => total + value, 0)
    const largest = argmax(row)
    return clamped.map((value, op) => (sum > 0 ? value / sum : Number(op === largest)))
  })

/** Adds noise from U(−ε, ε) to each mixing weight [edge][op], and makes the result mixing weights again. */
export const randomlySmoothed = (theta: Matrix, epsilon: number, stream: RandomStream): Matrix =>
  clampedToSimplex(map(theta, (weight) => weight + epsilon * (2 * stream.uniform() - 1)))

/**
 * Checks that ε grows from `epsilonMin` to `epsilon`.
 * @throws BenchError `bad-input` if it would fall, or if the only epoch is one without a perturbation
 */
export function checkEpsilons(
  name: string,
  { protocol }: Pick<PlannedSearch, 'protocol'>,
  { epsilonMin, epsilon }: { readonly epsilonMin: number; readonly epsilon: number },
): void {
  if (epsilonMin === 0 && epsilon > 0) requireGrowth(name, 'ε', protocol)
  if (epsilonMin <= epsilon) return
  const found = `epsilonMin=${epsilonMin} is above epsilon=${epsilon}, and ε grows from epsilonMin to epsilon`
  throw new BenchError('bad-input', `${name}: ${found}; give both, the larger as epsilon`)
}

/** The algorithm `sdarts-rs`: first-order DARTS whose weight steps are taken at randomly perturbed mixing weights. */
export const sdartsRs = defineAlgorithm({
  name: 'sdarts-rs',
  version: 1,
  description: 'DARTS whose weights are trained at randomly perturbed mixing weights',
  source:
    'Chen and Hsieh, "Stabilizing Differentiable Architecture Search via Perturbation-based Regularization", ICML 2020',
  look: { colour: 'vermilion', dash: 'dashDotDotted', marker: 'cross' },
  kind: 'supernet',
  options: z.strictObject({
    epsilonMin: number(0.03, "ε, the largest perturbation, in the first epoch (the authors' code)", 0),
    epsilon: number(0.3, "ε after the last epoch, reached linearly (the authors' code)", 0),
  }),
  check: (planned, given) => checkEpsilons('sdarts-rs', planned, given),
  search(context, { epsilonMin, epsilon }) {
    const { epochs } = context.protocol
    return bilevelSearch(context, {
      start: initialParameters(context),
      relaxation: () => softmaxRelaxation,
      weightMixing: (stream, alpha, epoch) => ({
        theta: randomlySmoothed(alpha.map(softmax), linear(epoch, epochs, epsilonMin, epsilon), stream),
      }),
    })
  },
})
