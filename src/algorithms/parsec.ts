/**
 * PARSEC (Casale, Gordon, Fusi: "Probabilistic Neural Architecture Search", 2019): the architecture is a random variable
 * with p(A) = Π over edges of softmax(α), and α is learnt by importance-weighted empirical Bayes. Each step draws K
 * architectures A_k from p and weights them by their likelihood of the batch:
 *
 *     ω_k = softmax over k of log p(y | x, A_k, w),     log p(y | x, A_k, w) = −Σ over the batch of the cross-entropy
 *     ∇_α log p(y | x) ≈ Σ_k ω_k ∇_α log p(A_k),        ∇_w log p(y | x) ≈ Σ_k ω_k ∇_w log p(y | x, A_k, w)
 *
 * Every network computes one operation per edge. The gradient of α is ∇_α log p(A) = A − softmax(α), which needs no
 * gradient of a network. The weight step descends along one of the K architectures, drawn with the probabilities ω: the
 * same gradient in the mean, at the cost of one backward pass.
 *
 * The authors published no code. Decided here: K = 8; α is learnt on the architecture half and w on the weight half, with
 * draws of their own, as in the other gradient-based searches. On the DARTS space an architecture that is drawn has all 14
 * edges of a cell; the answer is derived from softmax(α) as in DARTS.
 */
import { z } from 'zod'
import { defineAlgorithm } from '../core/algorithm.ts'
import type { Batch } from '../core/data.ts'
import type { Tally } from '../core/executor.ts'
import { type Matrix, onlyOnes, softmax, zip } from '../core/mixing.ts'
import type { RandomStream } from '../core/random.ts'
import type { Supernet } from '../core/supernet.ts'
import { categorical, sampleOneHot, softmaxRelaxation } from './distributions/categorical.ts'
import { type ArchitectureGradient, bilevelSearch, initialParameters } from './shared/bilevel.ts'
import { count } from './shared/options.ts'

/** An architecture that was drawn, as one-hot mixing weights, with its importance weight ω and its loss on the batch. */
interface Draw {
  readonly theta: Matrix
  readonly weight: number
  readonly tally: Tally
}

/** Draws K architectures from softmax(α) and computes their importance weights on a batch. */
async function drawWeighted(supernet: Supernet, batch: Batch, alpha: Matrix, k: number, stream: RandomStream) {
  const drawn: Omit<Draw, 'weight'>[] = []
  for (let i = 0; i < k; i++) {
    const theta = sampleOneHot(alpha, stream)
    drawn.push({ theta, tally: await supernet.evaluate([batch], onlyOnes(theta)) })
  }
  const weights = softmax(drawn.map(({ tally }) => -tally.loss * tally.samples))
  return drawn.map((draw, i): Draw => ({ ...draw, weight: weights[i] }))
}

/**
 * The gradient wrt α of −log p(y | x): Σ_k ω_k (softmax(α) − A_k) [edge][op], as the loss that is minimised is the
 * negative log-likelihood.
 */
export const empiricalBayesGradient = (alpha: Matrix, draws: readonly Pick<Draw, 'theta' | 'weight'>[]): Matrix =>
  draws.reduce<Matrix>(
    (gradient, { theta, weight }) => zip(gradient, theta, (g, a) => g - weight * a),
    alpha.map(softmax),
  )

/** PARSEC's architecture gradient, with loss and accuracy of the draws weighted by ω. */
const weightedDraws =
  (k: number): ArchitectureGradient =>
  async ({ supernet, parameters, validBatch, stream }) => {
    const draws = await drawWeighted(supernet, validBatch, parameters, k, stream)
    const mean = (value: (tally: Tally) => number) =>
      draws.reduce((s, { weight, tally }) => s + weight * value(tally), 0)
    return {
      loss: mean(({ loss }) => loss),
      correct: mean(({ correct }) => correct),
      correct5: mean(({ correct5 }) => correct5),
      samples: draws[0].tally.samples,
      parameters: empiricalBayesGradient(parameters, draws),
    }
  }

/** The algorithm `parsec`: a distribution over architectures, learnt by importance-weighted empirical Bayes. */
export const parsec = defineAlgorithm({
  name: 'parsec',
  version: 1,
  description: 'A distribution over architectures, learnt from draws weighted by their likelihood',
  source: 'Casale et al., "Probabilistic Neural Architecture Search", 2019',
  look: { colour: 'grey', dash: 'dashDotDotted', marker: 'cross' },
  kind: 'supernet',
  options: z.strictObject({ k: count(8, 'K: architectures drawn in each step; the paper leaves it open', 2) }),
  search: (context, { k }) =>
    bilevelSearch(context, {
      start: initialParameters(context),
      relaxation: () => softmaxRelaxation,
      gradient: weightedDraws(k),
      async weightMixing(stream, alpha, _, { supernet, batch }) {
        const draws = await drawWeighted(supernet, batch, alpha, k, stream)
        const weights = draws.map(({ weight }) => weight)
        return onlyOnes(draws[categorical(weights, stream)].theta)
      },
    }),
})
