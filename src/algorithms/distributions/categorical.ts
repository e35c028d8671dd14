/**
 * Categorical distributions over the operations of an edge: DARTS' softmax relaxation, sampling, and the
 * Gumbel-softmax, a random sample that a gradient can pass through (Jang, Gu, Poole, "Categorical Reparameterization
 * with Gumbel-Softmax", ICLR 2017; Maddison, Mnih, Teh, "The Concrete Distribution", ICLR 2017).
 *
 *     y = softmax((log p + g) / τ),   p = softmax(α),   g_o = −ln(−ln u_o),  u_o uniform
 *
 * As the temperature τ → 0, a sample y becomes one-hot with probabilities p; at any τ its largest entry is distributed
 * as p.
 */
import { BenchError } from '../../core/errors.ts'
import { argmax, type Matrix, map, onlyOnes, type Relaxation, softmax, softmaxGradient } from '../../core/mixing.ts'
import { requireAllFinite, requireFinite } from '../../core/numbers.ts'
import type { RandomStream } from '../../core/random.ts'

/** Samples a standard Gumbel variable −ln(−ln u). It is finite, because the uniform number u is moved into (0, 1). */
const gumbel = (stream: RandomStream) =>
  -Math.log(-Math.log((stream.uniform() + Number.EPSILON) / (1 + 2 * Number.EPSILON)))

/**
 * Samples the Gumbel-softmax y = softmax((α + Gumbel noise) / τ) on every edge. α stands for log p: they differ by a
 * constant on each edge, which the softmax cancels. [edge][op] → [edge][op]
 * @throws NotFiniteError if an α is not finite
 */
export const gumbelSoftmax = (alpha: Matrix, tau: number, stream: RandomStream): Matrix =>
  map(alpha, (a) => (requireFinite(a, 'an architecture parameter') + gumbel(stream)) / tau).map(softmax)

/** Back-propagates through a Gumbel-softmax sample y: turns ∂L/∂y into ∂L/∂α. */
const throughDraw = (y: Matrix, gradient: Matrix, tau: number): Matrix =>
  y.map((row, edge) => softmaxGradient(row, gradient[edge]).map((g) => g / tau))

/** Replaces a matrix [edge][op] by its one-hot form: 1 at the largest entry of each edge, 0 elsewhere. */
export const oneHot = (y: Matrix): Matrix =>
  y.map((row) => {
    const chosen = argmax(row)
    return row.map((_, op) => Number(op === chosen))
  })

/** SNAS' relaxation: mixing weights are a Gumbel-softmax sample; without a random stream they are softmax(α). */
export const relaxedGumbel = (tau: number): Relaxation => ({
  stochastic: true,
  relax(alpha, stream) {
    if (stream === undefined) return softmaxRelaxation.relax(alpha)
    const y = gumbelSoftmax(alpha, tau, stream)
    return { mixing: { theta: y }, pullback: ({ theta }) => throughDraw(y, theta, tau) }
  },
})

/**
 * GDAS' relaxation: on each edge, computes only the operation with the largest entry of a Gumbel-softmax sample y, with
 * mixing weight 1. Its gradient is back-propagated as if the mixing weight had been the entry of y (straight-through).
 * Without a random stream, mixing weights are softmax(α).
 */
export const hardGumbel = (tau: number): Relaxation => ({
  stochastic: true,
  relax(alpha, stream) {
    if (stream === undefined) return softmaxRelaxation.relax(alpha)
    const y = gumbelSoftmax(alpha, tau, stream)
    return { mixing: onlyOnes(oneHot(y)), pullback: (gradient) => throughDraw(y, gradient.theta, tau) }
  },
})

/**
 * Checks that the Gumbel-softmax temperature does not rise over the epochs.
 * @throws BenchError `bad-input` if it does
 */
export function checkFalling(
  name: string,
  { tauMax, tauMin }: { readonly tauMax: number; readonly tauMin: number },
): void {
  if (tauMin <= tauMax) return
  const found = `tauMin=${tauMin} is above tauMax=${tauMax}, and the temperature falls from tauMax to tauMin`
  throw new BenchError('bad-input', `${name}: ${found}; give both, the larger as tauMax`)
}

/** Samples an index from probabilities that sum to 1. @throws NotFiniteError if a probability is not finite */
export function categorical(probabilities: readonly number[], stream: RandomStream): number {
  requireAllFinite(probabilities, 'a probability to draw by')
  let remaining = stream.uniform()
  const drawn = probabilities.findIndex((probability) => {
    remaining -= probability
    return remaining < 0
  })
  return drawn === -1 ? probabilities.length - 1 : drawn
}

/** Samples one operation on each edge from softmax(α). [edge][op] → one-hot rows [edge][op] */
export const sampleOneHot = (alpha: Matrix, stream: RandomStream): Matrix =>
  alpha.map((row) => {
    const drawn = categorical(softmax(row), stream)
    return row.map((_, op) => Number(op === drawn))
  })

/** DARTS' relaxation: mixing weights θ = softmax(α) on each edge (DARTS, eq. 2). */
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
