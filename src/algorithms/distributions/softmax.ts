/** DARTS' relaxation: θ = softmax(α) on each edge (eq. 2). */
import { softmax, softmaxGradient } from '../../core/mixing.ts'
import type { Relaxation } from '../../core/relaxation.ts'

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
