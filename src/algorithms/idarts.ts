/**
 * iDARTS (Zhang, Su, Pan, Chang, Abbasnejad, Haffari: "iDARTS: Differentiable Architecture Search with Stochastic
 * Implicit Gradients", ICML 2021). DARTS with several weight steps for each architecture step, and an architecture
 * gradient from the implicit function theorem, whose inverse Hessian is a Neumann series cut after K terms:
 *
 *     ∇_α L_val − η · ∇²_{α,w} L_train · Σ_{k=0…K} (I − ηH)^k ∇_w L_val,    H = ∇²_w L_train
 *
 * All derivatives are taken at the current w, on one batch of each half; η is the learning rate of w. Products with H and
 * with ∇²_{α,w} L_train are central differences of the gradients along the vector, at distance 0.01 (as DARTS' eq. 8).
 * In networks of ReLUs such differences cross kinks, see `shared/unrolled.ts`.
 *
 * T = 4 weight steps come first, so an epoch goes through the weight half four times. L_train is that of the first of
 * the four batches. The paper's K is 2. Its learning rates on NAS-Bench-201 are in `idarts-paper`.
 */
import { z } from 'zod'
import { defineAlgorithm } from '../core/algorithm.ts'
import type { WeightVector } from '../core/executor.ts'
import { zip } from '../core/mixing.ts'
import { softmaxRelaxation } from './distributions/categorical.ts'
import { type ArchitectureGradient, bilevelSearch, initialParameters } from './shared/bilevel.ts'
import { count, number } from './shared/options.ts'
import { alongWeights } from './shared/unrolled.ts'

/** Settings of iDARTS' implicit gradient: the number K of terms after the first, and the distance of differences. */
interface ImplicitOptions {
  readonly terms: number
  readonly distance: number
}

/** iDARTS' architecture gradient: the direct gradient minus that through the weights, by a cut Neumann series. */
export const implicitGradient =
  ({ terms, distance }: ImplicitOptions): ArchitectureGradient =>
  async ({ supernet, relaxation, parameters, validBatch, trainBatch, sgd, stream }) => {
    const { mixing, pullback } = relaxation.relax(parameters, stream)
    const { weights: w } = supernet
    const batch = await trainBatch()
    const eta = sgd.learningRate
    const vectors = Array.from({ length: 5 }, () => supernet.vector())
    const [start, term, sum, plus, minus] = vectors
    const trainGradient = async (offset: number, gradient: WeightVector) => {
      w.assign(start)
      w.axpy(offset, term)
      await supernet.gradient(batch, mixing, { weights: gradient, mode: 'probe' })
    }
    try {
      start.assign(w)
      const valid = await supernet.gradient(validBatch, mixing, { weights: term })
      sum.assign(term)
      for (let k = 1; k <= terms; k++) {
        const length = await term.norm()
        if (length === 0) break
        const epsilon = distance / length
        await trainGradient(epsilon, plus)
        await trainGradient(-epsilon, minus)
        // term ← (I − ηH)·term, with H·term ≈ (plus − minus)/(2ε)
        term.axpy(-eta / (2 * epsilon), plus)
        term.axpy(eta / (2 * epsilon), minus)
        sum.axpy(1, term)
      }
      const mixed = async () => pullback((await supernet.gradient(batch, mixing, { mode: 'probe' })).mixing)
      const product = await alongWeights(w, start, sum, distance, mixed)
      return { ...valid, parameters: zip(pullback(valid.mixing), product, (g, h) => g - eta * h) }
    } finally {
      w.assign(start)
      for (const vector of vectors) vector.dispose()
    }
  }

/** The algorithm `idarts`: several weight steps, then an architecture step along the implicit gradient. */
export const idarts = defineAlgorithm({
  name: 'idarts',
  version: 1,
  description: 'DARTS with the implicit architecture gradient, after several weight steps',
  source: 'Zhang et al., "iDARTS: Differentiable Architecture Search with Stochastic Implicit Gradients", ICML 2021',
  look: { colour: 'olive', dash: 'dashDotDotted', marker: 'cross' },
  kind: 'supernet',
  options: z.strictObject({
    n: count(4, 'T: weight steps for each architecture step'),
    terms: count(2, 'K: terms of the Neumann series after the first', 0),
    distance: number(0.01, 'ε·‖v‖ of the differences (DARTS, footnote 2)', Number.MIN_VALUE),
  }),
  idle: { stepOrder: 'the weight steps come first' },
  search: (context, { n, terms, distance }) =>
    bilevelSearch(context, {
      start: initialParameters(context),
      relaxation: () => softmaxRelaxation,
      gradient: implicitGradient({ terms, distance }),
      weightSteps: n,
      stepOrder: 'weights-first',
    }),
})
