/**
 * Probe of the error of DARTS' finite-difference Hessian-vector product (Liu et al. 2019, eq. 8), at the current
 * network weights w and architecture parameters α, on one fixed batch of each half of the training set:
 *
 *     ∇²_{α,w} L_train · v ≈ [∇_α L_train(w + εv) − ∇_α L_train(w − εv)] / (2ε)
 *
 * with v = ∇_w L_val and ε = distance / ‖v‖.
 *
 * The reference, called the exact product, is the same difference with every ReLU's mask frozen at w, which makes the
 * loss smooth; it agrees with double back-propagation.
 */
import { z } from 'zod'
import type { RelaxedSearch } from '../../core/algorithm.ts'
import type { Batch } from '../../core/data.ts'
import type { Executable, Feed, Objective, WeightVector } from '../../core/executor.ts'
import type { Relaxed } from '../../core/mixing.ts'
import { feedOf, mixingGradient } from '../../training/supernet.ts'
import { withActivationMasks } from '../architectureGradient.ts'
import { defineProbe, every } from './definition.ts'

export interface HvpRecord {
  /** Distance ε‖v‖ by which DARTS' finite difference moves the weights (its ReLUs are not frozen). */
  readonly distance: number
  /** Relative error of DARTS' finite difference: ‖difference − exact product‖ / ‖exact product‖. */
  readonly relativeError: number
  /** Cosine of the angle between DARTS' finite difference and the exact product. */
  readonly cosine: number
  readonly differenceNorm: number
  readonly exactNorm: number
}

/**
 * Distance ε‖v‖ by which the exact product moves the weights: small enough for the curvature, large enough for float32.
 */
const EXACT_DISTANCE = 0.001

const CROSS_ENTROPY: Objective = { kind: 'cross-entropy' }

const options = z.object({
  every: every(5),
  distance: z.coerce.number().positive().default(0.01),
})

export const hvpProbe = defineProbe({
  name: 'hvp',
  description: "error of second-order DARTS' finite-difference Hessian-vector product",
  options,
  /**
   * Measures the error of the finite difference; returns undefined if the exact product is 0, where the relative error
   * is undefined.
   */
  async measure({ relaxed }, context, { distance }): Promise<HvpRecord | undefined> {
    if (relaxed === undefined) return undefined
    const data = await context.data()
    const [train, valid] = [await data.weights.batch(0), await data.architecture.batch(0)]
    const { live, held } = await products(relaxed, train, valid, distance)
    const exactNorm = norm(held)
    if (exactNorm === 0) return undefined
    const differenceNorm = norm(live)
    return {
      distance,
      relativeError: norm(live.map((value, i) => value - held[i])) / exactNorm,
      cosine: live.reduce((sum, value, i) => sum + value * held[i], 0) / (differenceNorm * exactNorm),
      differenceNorm,
      exactNorm,
    }
  },
})

/**
 * Computes DARTS' finite difference at the given distance, whose ReLUs are not frozen (`live`), and the exact product,
 * whose ReLUs are (`held`). Both are flat arrays.
 */
async function products(search: RelaxedSearch, train: Batch, valid: Batch, distance: number) {
  const relaxed = search.relaxation.relax(search.parameters())
  const { executable, release } = await withActivationMasks(
    search.supernet.executable,
    Math.max(train.size, valid.size),
  )
  const feed = feedOf(train, relaxed.mixing)
  const activationMasks = executable.activationMasks?.(feed)
  const v = executable.vector()
  try {
    await mixingGradient(executable, feedOf(valid, relaxed.mixing), relaxed.mixing, CROSS_ENTROPY, v)
    const length = await v.norm()
    if (length === 0) return { live: [0], held: [0] }
    return {
      live: await difference(executable, relaxed, feed, v, distance / length),
      held: await difference(executable, relaxed, { ...feed, activationMasks }, v, EXACT_DISTANCE / length),
    }
  } finally {
    v.dispose()
    activationMasks?.dispose()
    release()
  }
}

/** Computes the finite difference [∇_α L(w + εv) − ∇_α L(w − εv)]/(2ε). The weights are changed and restored. */
async function difference(
  executable: Executable,
  { mixing, pullback }: Relaxed,
  feed: Feed,
  v: WeightVector,
  epsilon: number,
): Promise<number[]> {
  const { weights: w } = executable
  const start = executable.vector()
  const at = async (offset: number) => {
    w.assign(start)
    w.axpy(offset, v)
    return pullback(await mixingGradient(executable, feed, mixing, CROSS_ENTROPY)).flat()
  }
  try {
    start.assign(w)
    const [ahead, behind] = [await at(epsilon), await at(-epsilon)]
    return ahead.map((value, i) => (value - behind[i]) / (2 * epsilon))
  } finally {
    w.assign(start)
    start.dispose()
  }
}

const norm = (values: readonly number[]) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0))
