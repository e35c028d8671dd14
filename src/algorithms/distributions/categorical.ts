/**
 * Categorical distributions over the operations of an edge: DARTS' softmax relaxation, sampling, and the
 * Gumbel-softmax, a draw that a gradient can pass through (Jang, Gu, Poole, "Categorical Reparameterization with
 * Gumbel-Softmax", ICLR 2017; Maddison, Mnih, Teh, "The Concrete Distribution", ICLR 2017).
 *
 *     y = softmax((log p + g) / τ),   p = softmax(α),   g_o = −ln(−ln u_o),  u_o uniform
 *
 * As τ → 0 a draw becomes one-hot with probabilities p; at any τ its largest entry is distributed as p.
 */
import { BenchError } from '../../core/errors.ts'
import { argmax, type Matrix, map, onlyOnes, type Relaxation, softmax, softmaxGradient } from '../../core/mixing.ts'
import { requireAllFinite, requireFinite } from '../../core/numbers.ts'
import type { RandomStream } from '../../core/random.ts'

/** A standard Gumbel variable −ln(−ln u). It is finite, because the uniform draw is moved into (0, 1). */
const gumbel = (stream: RandomStream) =>
  -Math.log(-Math.log((stream.uniform() + Number.EPSILON) / (1 + 2 * Number.EPSILON)))

/**
 * Draws y for every edge. log p and α differ by a constant on each edge, which the softmax cancels. [edge][op] →
 * [edge][op]
 * @throws NotFiniteError if an α is not finite
 */
export const gumbelSoftmax = (alpha: Matrix, tau: number, stream: RandomStream): Matrix =>
  map(alpha, (a) => (requireFinite(a, 'an architecture parameter') + gumbel(stream)) / tau).map(softmax)

/** Back-propagates through the draw: from ∂L/∂y to ∂L/∂α. */
const throughDraw = (y: Matrix, gradient: Matrix, tau: number): Matrix =>
  y.map((row, edge) => softmaxGradient(row, gradient[edge]).map((g) => g / tau))

/** Sets the largest entry of each edge to 1 and the others to 0. */
export const oneHot = (y: Matrix): Matrix =>
  y.map((row) => {
    const chosen = argmax(row)
    return row.map((_, op) => Number(op === chosen))
  })

/** SNAS' relaxation: mixes all operations by a Gumbel-softmax draw. Without a random stream: softmax(α). */
export const relaxedGumbel = (tau: number): Relaxation => ({
  stochastic: true,
  relax(alpha, stream) {
    if (stream === undefined) return softmaxRelaxation.relax(alpha)
    const y = gumbelSoftmax(alpha, tau, stream)
    return { mixing: { theta: y }, pullback: ({ theta }) => throughDraw(y, theta, tau) }
  },
})

/**
 * GDAS' relaxation: computes only the operation of the largest entry of a Gumbel-softmax draw, with weight 1. The
 * gradient of that weight goes through y as if the weight had been y's (straight-through). Without a random stream:
 * softmax(α).
 */
export const hardGumbel = (tau: number): Relaxation => ({
  stochastic: true,
  relax(alpha, stream) {
    if (stream === undefined) return softmaxRelaxation.relax(alpha)
    const y = gumbelSoftmax(alpha, tau, stream)
    return { mixing: onlyOnes(oneHot(y)), pullback: (gradient) => throughDraw(y, gradient.theta, tau) }
  },
})

/** Checks that the temperature does not rise over the epochs. @throws BenchError `bad-input` if it does */
export function checkFalling(
  name: string,
  { tauMax, tauMin }: { readonly tauMax: number; readonly tauMin: number },
): void {
  if (tauMin <= tauMax) return
  const found = `tauMin=${tauMin} is above tauMax=${tauMax}, and the temperature falls from tauMax to tauMin`
  throw new BenchError('bad-input', `${name}: ${found}; give both, the larger as tauMax`)
}

/** Draws one value from probabilities that sum to 1. @throws NotFiniteError if a probability is not finite */
export function categorical(probabilities: readonly number[], stream: RandomStream): number {
  requireAllFinite(probabilities, 'a probability to draw by')
  let remaining = stream.uniform()
  const drawn = probabilities.findIndex((probability) => {
    remaining -= probability
    return remaining < 0
  })
  return drawn === -1 ? probabilities.length - 1 : drawn
}

/** DARTS' relaxation: θ = softmax(α) on each edge (eq. 2). */
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
