/** Adam on the architecture parameters, as PyTorch's (Kingma and Ba 2015): state in, state out. */
import { type Matrix, map, zip } from '../core/mixing.ts'

export interface AdamSettings {
  readonly learningRate: number
  readonly adamBetas: readonly [number, number]
  readonly epsilon: number
  /** L2: weightDecay·w is added to the gradient, before the moments. */
  readonly weightDecay: number
}

export interface AdamState {
  /** Steps taken. */
  readonly steps: number
  /** Running mean of the gradient, and of its square; the shape of the parameters. */
  readonly mean: Matrix
  readonly square: Matrix
}

/** Before the first step. */
export function adamStart(parameters: Matrix): AdamState {
  const zeros = map(parameters, () => 0)
  return { steps: 0, mean: zeros, square: zeros }
}

/** One descent step: g ← g + λw, m ← β₁m + (1−β₁)g, v ← β₂v + (1−β₂)g², w ← w − η·m̂ / (√v̂ + ε), m̂ and v̂ bias-corrected. */
export function adam(
  parameters: Matrix,
  gradient: Matrix,
  state: AdamState,
  { learningRate, adamBetas: [beta1, beta2], epsilon, weightDecay }: AdamSettings,
): { readonly parameters: Matrix; readonly state: AdamState } {
  const steps = state.steps + 1
  const decayed = zip(gradient, parameters, (g, w) => g + weightDecay * w)
  const mean = zip(state.mean, decayed, (m, g) => beta1 * m + (1 - beta1) * g)
  const square = zip(state.square, decayed, (v, g) => beta2 * v + (1 - beta2) * g * g)
  const direction = zip(
    map(mean, (m) => m / (1 - beta1 ** steps)),
    map(square, (v) => Math.sqrt(v / (1 - beta2 ** steps)) + epsilon),
    (m, root) => m / root,
  )
  return {
    parameters: zip(parameters, direction, (w, d) => w - learningRate * d),
    state: { steps, mean, square },
  }
}
