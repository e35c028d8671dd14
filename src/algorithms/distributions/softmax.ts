/** DARTS' relaxation: θ = softmax(α) on each edge (eq. 2). */
import { type Relaxation, softmax, softmaxGradient } from '../../core/mixing.ts'

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
