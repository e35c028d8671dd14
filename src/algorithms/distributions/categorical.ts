/**
 * The Gumbel-softmax: draws from a categorical distribution that a gradient can pass (Jang, Gu, Poole, "Categorical
 * Reparameterization with Gumbel-Softmax", ICLR 2017; Maddison, Mnih, Teh, "The Concrete Distribution", ICLR 2017).
 *
 *     y = softmax((log p + g) / τ),   p = softmax(α),   g_o = −ln(−ln u_o),  u_o uniform
 *
 * As τ → 0 a draw becomes one-hot with probabilities p; at any τ its largest entry is distributed as p.
 */
import { BenchError } from '../../core/errors.ts'
import { argmax, type Matrix, map, onlyOnes, type Relaxation, softmax, softmaxGradient } from '../../core/mixing.ts'
import { requireAllFinite, requireFinite } from '../../core/numbers.ts'
import type { RandomStream } from '../../core/random.ts'

/** −ln(−ln u): finite, since the uniform draw is moved into (0, 1). */
const gumbel = (stream: RandomStream) =>
  -Math.log(-Math.log((stream.uniform() + Number.EPSILON) / (1 + 2 * Number.EPSILON)))

/**
 * One draw y an edge. log p and α differ by a constant on each edge, which the softmax cancels. [edge][op] → [edge][op]
 * @throws NotFiniteError where an α is not finite
 */
export const gumbelSoftmax = (alpha: Matrix, tau: number, stream: RandomStream): Matrix =>
  map(alpha, (a) => (requireFinite(a, 'an architecture parameter') + gumbel(stream)) / tau).map(softmax)

/** Through y, from ∂L/∂y to ∂L/∂α. */
const throughDraw = (y: Matrix, gradient: Matrix, tau: number): Matrix =>
  y.map((row, edge) => softmaxGradient(row, gradient[edge]).map((g) => g / tau))

/** 1 at the largest entry of each edge. */
export const oneHot = (y: Matrix): Matrix =>
  y.map((row) => {
    const chosen = argmax(row)
    return row.map((_, op) => Number(op === chosen))
  })

/** The relaxed draw mixes all operations (SNAS). Without a stream: softmax(α). */
export const relaxedGumbel = (tau: number): Relaxation => ({
  stochastic: true,
  relax(alpha, stream) {
    if (stream === undefined) return softmaxRelaxation.relax(alpha)
    const y = gumbelSoftmax(alpha, tau, stream)
    return { mixing: { theta: y }, pullback: ({ theta }) => throughDraw(y, theta, tau) }
  },
})

/**
 * The largest entry of the draw alone is computed, with weight 1; the gradient of that weight goes through y as if the
 * weight had been y's (straight through; GDAS). Without a stream: softmax(α).
 */
export const hardGumbel = (tau: number): Relaxation => ({
  stochastic: true,
  relax(alpha, stream) {
    if (stream === undefined) return softmaxRelaxation.relax(alpha)
    const y = gumbelSoftmax(alpha, tau, stream)
    return { mixing: onlyOnes(oneHot(y)), pullback: (gradient) => throughDraw(y, gradient.theta, tau) }
  },
})

/** @throws BenchError `bad-input` for a temperature that would rise over the epochs */
export function checkFalling(
  name: string,
  { tauMax, tauMin }: { readonly tauMax: number; readonly tauMin: number },
): void {
  if (tauMin <= tauMax) return
  const found = `tauMin=${tauMin} is above tauMax=${tauMax}, and the temperature falls from tauMax to tauMin`
  throw new BenchError('bad-input', `${name}: ${found}; give both, the larger as tauMax`)
}

/** One value drawn from the probabilities, which sum to 1. @throws NotFiniteError where one is not finite */
export function categorical(probabilities: readonly number[], stream: RandomStream): number {
  requireAllFinite(probabilities, 'a probability to draw by')
  let remaining = stream.uniform()
  const drawn = probabilities.findIndex((probability) => {
    remaining -= probability
    return remaining < 0
  })
  return drawn === -1 ? probabilities.length - 1 : drawn
}

export const softmaxRelaxation: Relaxation = {
  stochastic: false,
  relax(alpha) {
    const theta = alpha.map(softmax)
    return {
      mixing: { theta },
      pullback: (gradient) => theta.map((row, edge) => softmaxGradient(row, gradient.theta[edge])),
    }
  },
}
