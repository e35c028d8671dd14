/**
 * The architecture gradient of second-order DARTS (Liu et al. 2019, §2.3): of the validation loss after one weight step.
 *
 *     w′ = w − ξ (μ·buffer + ∇_w L_train(w, α) + λw)               the whole step: momentum μ and weight decay λ too
 *     ∇_α L_val(w′, α) − ξ · ∇²_{α,w} L_train(w, α) v,    v = ∇_w′ L_val(w′, α)                             (eq. 7)
 *     ∇²_{α,w} L_train v ≈ [∇_α L_train(w⁺, α) − ∇_α L_train(w⁻, α)] / (2ε),    w^± = w ± εv                (eq. 8)
 *
 * ξ is the rate of the coming weight step. The gradient inside w′ is not clipped. The true product needs ε → 0: at the
 * customary ε = 0.01/‖v‖ the difference crosses kinks of a ReLU network, and is several times off; the method's
 * published results were made with it.
 */
import type { WeightVector } from '../core/executor.ts'
import { type Matrix, zip } from '../core/mixing.ts'
import type { ArchitectureGradient } from './bilevel.ts'

/** ∂L_val(w′(α), α)/∂α; with ξ = 0 it is the first-order gradient. @param distance ε‖v‖, 0.01 in the paper (footnote 2) */
export function unrolled(distance: number): ArchitectureGradient {
  return async ({ supernet, relaxation, parameters, validBatch, trainBatch, sgd, stream }) => {
    const { weights: w, momentum: buffer } = supernet
    const { mixing, pullback } = relaxation.relax(parameters, stream)
    const batch = await trainBatch()
    const start = supernet.vector()
    const v = supernet.vector()
    try {
      start.assign(w)
      await supernet.gradient(batch, mixing, { weights: v })
      v.axpy(sgd.weightDecay, w)
      v.axpy(sgd.momentum, buffer)
      w.axpy(-sgd.learningRate, v)
      const valid = await supernet.gradient(validBatch, mixing, { weights: v, mode: 'probe' })
      const trainGradient = async () => pullback((await supernet.gradient(batch, mixing, { mode: 'probe' })).mixing)
      const product = await alongWeights(w, start, v, distance, trainGradient)
      return {
        ...valid,
        parameters: zip(pullback(valid.mixing), product, (direct, h) => direct - sgd.learningRate * h),
      }
    } finally {
      w.assign(start)
      start.dispose()
      v.dispose()
    }
  }
}

/** Eq. 8: the change of `gradient` along v at w = start, by the central difference with ε = distance / ‖v‖; moves w. */
async function alongWeights(
  w: WeightVector,
  start: WeightVector,
  v: WeightVector,
  distance: number,
  gradient: () => Promise<Matrix>,
): Promise<Matrix> {
  const epsilon = distance / (await v.norm())
  const at = async (offset: number) => {
    w.assign(start)
    w.axpy(offset, v)
    return gradient()
  }
  const plus = await at(epsilon)
  const minus = await at(-epsilon)
  return zip(plus, minus, (p, m) => (p - m) / (2 * epsilon))
}
