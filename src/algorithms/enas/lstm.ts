/**
 * A stack of LSTM layers over one sequence, on the host, with its gradient by back-propagation through time (Hochreiter
 * and Schmidhuber 1997, with forget gates):
 *
 *     (i, f, g, o) = W·(x, h, 1),   c ← σ(f)·c + σ(i)·tanh(g),   h ← σ(o)·tanh(c)
 *
 * A layer's W has 4·size rows, i above f above g above o, and 2·size + 1 columns. A layer's x is the h of the one below.
 */
import type { Matrix } from '../../core/mixing.ts'

/** h and c of each layer. */
export interface LstmState {
  readonly h: Matrix
  readonly c: Matrix
}

export const lstmStart = (layers: number, size: number): LstmState => ({
  h: Array.from({ length: layers }, () => new Array<number>(size).fill(0)),
  c: Array.from({ length: layers }, () => new Array<number>(size).fill(0)),
})

/** What the gradient of one step of one layer needs. */
interface LayerStep {
  readonly input: readonly number[]
  readonly gates: readonly number[]
  readonly previousC: readonly number[]
  readonly c: readonly number[]
}

export interface LstmStep {
  readonly state: LstmState
  readonly layers: readonly LayerStep[]
}

/** One step of all layers. @param weights W of each layer */
export function lstmStep(weights: readonly Matrix[], state: LstmState, x: readonly number[]): LstmStep {
  const layers: LayerStep[] = []
  const h: (readonly number[])[] = []
  let below = x
  for (const [layer, w] of weights.entries()) {
    const step = layerStep(w, below, state.h[layer], state.c[layer])
    layers.push(step)
    below = output(step)
    h.push(below)
  }
  return { state: { h, c: layers.map(({ c }) => c) }, layers }
}

function layerStep(w: Matrix, x: readonly number[], h: readonly number[], previousC: readonly number[]): LayerStep {
  const size = h.length
  const input = [...x, ...h, 1]
  const gates = w.map((row, i) => {
    const z = dot(row, input)
    return i >= 2 * size && i < 3 * size ? Math.tanh(z) : sigmoid(z)
  })
  const c = previousC.map((value, k) => gates[size + k] * value + gates[k] * gates[2 * size + k])
  return { input, gates, previousC, c }
}

const output = ({ gates, c }: LayerStep) => c.map((value, k) => gates[3 * c.length + k] * Math.tanh(value))

/** The gradient wrt a state, and wrt the input of the lowest layer. */
export interface LstmCotangent {
  readonly h: Matrix
  readonly c: Matrix
  readonly x: readonly number[]
}

/**
 * Back through one step. @param after ∂L/∂state after it, with what the outside adds to the top layer's h
 * @param gradWeights ∂L/∂W is added to it, layer by layer
 * @returns ∂L/∂state before the step, and ∂L/∂x
 */
export function lstmStepGradient(
  weights: readonly Matrix[],
  { layers }: LstmStep,
  after: Pick<LstmCotangent, 'h' | 'c'>,
  gradWeights: readonly number[][][],
): LstmCotangent {
  const size = after.h[0].length
  const h: number[][] = []
  const c: number[][] = []
  let fromAbove: readonly number[] = new Array<number>(size).fill(0)
  for (let layer = layers.length - 1; layer >= 0; layer--) {
    const gradH = after.h[layer].map((value, k) => value + fromAbove[k])
    const { gradGates, gradC } = layerGradient(layers[layer], gradH, after.c[layer])
    const gradInput = new Array<number>(2 * size + 1).fill(0)
    for (const [i, g] of gradGates.entries()) {
      addScaled(gradWeights[layer][i], g, layers[layer].input)
      addScaled(gradInput, g, weights[layer][i])
    }
    fromAbove = gradInput.slice(0, size)
    h[layer] = gradInput.slice(size, 2 * size)
    c[layer] = gradC
  }
  return { h, c, x: fromAbove }
}

/** ∂L/∂(gates before their σ or tanh) and ∂L/∂(c before the step). */
function layerGradient({ gates, previousC, c }: LayerStep, gradH: readonly number[], gradAfterC: readonly number[]) {
  const size = c.length
  const gradGates = new Array<number>(4 * size)
  const gradC = new Array<number>(size)
  for (let k = 0; k < size; k++) {
    const [i, f, g, o] = [gates[k], gates[size + k], gates[2 * size + k], gates[3 * size + k]]
    const t = Math.tanh(c[k])
    const atC = gradAfterC[k] + gradH[k] * o * (1 - t * t)
    gradGates[k] = atC * g * i * (1 - i)
    gradGates[size + k] = atC * previousC[k] * f * (1 - f)
    gradGates[2 * size + k] = atC * i * (1 - g * g)
    gradGates[3 * size + k] = gradH[k] * t * o * (1 - o)
    gradC[k] = atC * f
  }
  return { gradGates, gradC }
}

const sigmoid = (z: number) => 1 / (1 + Math.exp(-z))

export function dot(a: readonly number[], b: readonly number[]): number {
  let sum = 0
  for (let k = 0; k < a.length; k++) sum += a[k] * b[k]
  return sum
}

/** target += a·x */
export function addScaled(target: number[], a: number, x: readonly number[]): void {
  for (let k = 0; k < target.length; k++) target[k] += a * x[k]
}
