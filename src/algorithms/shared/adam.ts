/**
 * The Adam optimiser (Kingma and Ba 2015, in PyTorch's form) for parameters that live on the host. A step takes
 * parameters and state and returns new ones.
 */
import { type Matrix, map, zip } from '../../core/mixing.ts'
import { integerPower } from '../../core/numbers.ts'

/** Hyperparameters of Adam. */
export interface AdamSettings {
  readonly learningRate: number
  readonly adamBetas: readonly [number, number]
  readonly epsilon: number
  /** L2 penalty: weightDecay·w is added to the gradient before the moments are updated. */
  readonly weightDecay: number
  /** Largest L2 norm of the gradient over all entries, applied before the weight decay; absent: no clipping. */
  readonly clipNorm?: number
}

/** The state that Adam carries from step to step. */
export interface AdamState {
  /** Number of steps taken so far. */
  readonly steps: number
  /** Running means of the gradient and of its square, in the shape of the parameters. */
  readonly mean: Matrix
  readonly square: Matrix
}

/** The state of Adam before its first step. */
export function adamStart(parameters: Matrix): AdamState {
  const zeros = map(parameters, () => 0)
  return { steps: 0, mean: zeros, square: zeros }
}

/**
 * Takes one descent step: g clipped, g ← g + λw, m ← β₁m + (1−β₁)g, v ← β₂v + (1−β₂)g², w ← w − η·m̂ / (√v̂ + ε), where
 * m̂ and v̂ are bias-corrected.
 */
export function adam(
  parameters: Matrix,
  gradient: Matrix,
  state: AdamState,
  { learningRate, adamBetas: [beta1, beta2], epsilon, weightDecay, clipNorm }: AdamSettings,
): { readonly parameters: Matrix; readonly state: AdamState } {
  const steps = state.steps + 1
  const decayed = zip(clipped(gradient, clipNorm), parameters, (g, w) => g + weightDecay * w)
  const mean = zip(state.mean, decayed, (m, g) => beta1 * m + (1 - beta1) * g)
  const square = zip(state.square, decayed, (v, g) => beta2 * v + (1 - beta2) * g * g)
  const direction = zip(
    map(mean, (m) => m / (1 - integerPower(beta1, steps))),
    map(square, (v) => Math.sqrt(v / (1 - integerPower(beta2, steps))) + epsilon),
    (m, root) => m / root,
  )
  return {
    parameters: zip(parameters, direction, (w, d) => w - learningRate * d),
    state: { steps, mean, square },
  }
}

/** Scales a gradient down to the largest allowed norm, as PyTorch's `clip_grad_norm_` does. */
function clipped(gradient: Matrix, clipNorm = Number.POSITIVE_INFINITY): Matrix {
  const norm = Math.sqrt(gradient.flat().reduce((sum, g) => sum + g * g, 0))
  return norm <= clipNorm ? gradient : map(gradient, (g) => (g * clipNorm) / (norm + 1e-6))
}
