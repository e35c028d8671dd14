/**
 * The architecture gradient of second-order DARTS (Liu et al. 2019, §2.3): the gradient of the validation loss after
 * one weight step.
 *
 *     w′ = w − ξ (μ·buffer + ∇_w L_train(w, α) + λw)               the whole step, with momentum μ and weight decay λ
 *     ∇_α L_val(w′, α) − ξ · ∇²_{α,w} L_train(w, α) v,    v = ∇_w′ L_val(w′, α)                             (eq. 7)
 *     ∇²_{α,w} L_train v ≈ [∇_α L_train(w⁺, α) − ∇_α L_train(w⁻, α)] / (2ε),    w^± = w ± εv                (eq. 8)
 *
 * ξ is the learning rate of the coming weight step. The gradient inside w′ is not clipped, and Nesterov's look-ahead is
 * left out, as in the code of DARTS and of NAS-Bench-201. At the customary ε = 0.01/‖v‖ the difference crosses kinks of
 * a ReLU network and is several times off the true product; the published results of the method were made with it. In
 * the exact form (`secondOrder=exact`) the ReLUs keep the activation mask that they have at w, where the loss is
 * smooth; that gives the product of automatic differentiation.
 */
import type { Batch } from '../../core/data.ts'
import { BenchError } from '../../core/errors.ts'
import type { WeightVector } from '../../core/executor.ts'
import { type Matrix, type Relaxed, zip } from '../../core/mixing.ts'
import type { Supernet } from '../../core/supernet.ts'
import { feedOf, mixingGradient } from '../../training/supernet.ts'
import type { ArchitectureGradient } from './bilevel.ts'

type SecondOrder = keyof typeof DISTANCES

/** Options of DARTS' second-order architecture gradient. */
export interface UnrolledOptions {
  readonly secondOrder: SecondOrder
  /**
   * Distance ε‖v‖ by which the finite difference moves the weights w (DARTS, eq. 8); absent: the value in `DISTANCES`.
   */
  readonly distance?: number
}

/**
 * Default distances ε‖v‖ by which the finite difference moves the weights. 0.01 is from the DARTS paper, and its
 * published results were made with it. With frozen activation masks the difference is smooth, and its error falls with
 * the square of the distance until rounding in single precision dominates: in supernets of 4 and 8 channels, at the
 * start and in training, the relative error is up to 9e-4 at distance 0.01 and at most 2e-5 at 0.001.
 */
const DISTANCES = { 'finite-difference': 0.01, exact: 0.001 } as const

/**
 * The second-order architecture gradient ∂L_val(w′(α), α)/∂α, where w′ is w after one SGD step on the training loss.
 */
export function unrolled(options: UnrolledOptions): ArchitectureGradient {
  const { secondOrder, distance = DISTANCES[secondOrder] } = options
  return async ({ supernet, relaxation, parameters, validBatch, trainBatch, sgd, stream }) => {
    const { weights: w, momentum: buffer } = supernet
    const relaxed = relaxation.relax(parameters, stream)
    const batch = await trainBatch()
    const train = trainGradient(supernet, batch, relaxed, secondOrder)
    const start = supernet.vector()
    const v = supernet.vector()
    try {
      start.assign(w)
      await supernet.gradient(batch, relaxed.mixing, { weights: v })
      v.axpy(sgd.weightDecay, w)
      v.axpy(sgd.momentum, buffer)
      w.axpy(-sgd.learningRate, v)
      const valid = await supernet.gradient(validBatch, relaxed.mixing, { weights: v, mode: 'probe' })
      const product = await alongWeights(w, start, v, distance, train.gradient)
      const direct = relaxed.pullback(valid.mixing)
      return { ...valid, parameters: zip(direct, product, (g, h) => g - sgd.learningRate * h) }
    } finally {
      w.assign(start)
      start.dispose()
      v.dispose()
      train.release()
    }
  }
}

/**
 * Returns a function that computes ∇_α L_train at the network weights of the moment when it is called. With
 * `secondOrder=exact`, ReLUs keep the activation masks that they have at the present weights.
 */
function trainGradient(supernet: Supernet, batch: Batch, { mixing, pullback }: Relaxed, secondOrder: SecondOrder) {
  if (secondOrder === 'finite-difference') {
    const gradient = async () => pullback((await supernet.gradient(batch, mixing, { mode: 'probe' })).mixing)
    return { gradient, release() {} }
  }
  const { executable } = supernet
  const feed = feedOf(batch, mixing)
  const activationMasks = executable.activationMasks?.(feed)
  if (activationMasks === undefined) {
    const message = 'this executor has no second derivatives; take secondOrder=finite-difference, or --executor tfjs'
    throw new BenchError('unsupported', message)
  }
  const objective = { kind: 'cross-entropy' } as const
  return {
    gradient: async () => pullback(await mixingGradient(executable, { ...feed, activationMasks }, mixing, objective)),
    release: () => activationMasks.dispose(),
  }
}

/**
 * Computes the directional derivative of `gradient` along v at w = start, by a central difference with ε = distance /
 * ‖v‖ (DARTS, eq. 8). Overwrites w; returns 0 if v = 0.
 */
export async function alongWeights(
  w: WeightVector,
  start: WeightVector,
  v: WeightVector,
  distance: number,
  gradient: () => Promise<Matrix>,
): Promise<Matrix> {
  const length = await v.norm()
  const epsilon = length === 0 ? 0 : distance / length
  const at = async (offset: number) => {
    w.assign(start)
    w.axpy(offset, v)
    return gradient()
  }
  const plus = await at(epsilon)
  const minus = await at(-epsilon)
  return zip(plus, minus, (p, m) => (epsilon === 0 ? 0 : (p - m) / (2 * epsilon)))
}
