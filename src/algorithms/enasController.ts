/**
 * The controller of ENAS (Pham et al. 2018, §2.1): an LSTM that makes the decisions of an architecture one after the
 * other. Each decision is sampled from a softmax over its values and fed back as the next input. The LSTM and its
 * back-propagation through time run on the host (Hochreiter and Schmidhuber 1997, with forget gates):
 *
 *     (i, f, g, o) = W·(x, h, 1),   c ← σ(f)·c + σ(i)·tanh(g),   h ← σ(o)·tanh(c)
 *
 * The matrix W of a layer of `size` units has 4·size rows, i above f above g above o, and 2·size + 1 columns. The x of
 * a layer is the h of the layer below. Decisions with equally many values share their embedding and their output layer,
 * like the edges of NAS-Bench-201 in the benchmark's code; on the DARTS space the choices of predecessors have their
 * own. Algorithm files have at most 120 lines; this one is longer because of the LSTM and its gradient, written out.
 */
import { type Matrix, softmax } from '../core/mixing.ts'
import type { RandomStream } from '../core/random.ts'
import { categorical } from './distributions/categorical.ts'

/** Sizes and constants of ENAS' LSTM controller. */
export interface ControllerShape {
  /** Number of values that each decision of the controller can take. */
  readonly cardinalities: readonly number[]
  readonly size: number
  readonly layers: number
  /** The controller's logits are tanhConstant · tanh(output / temperature) (ENAS §2.1; constants of NAS-Bench-201). */
  readonly temperature: number
  readonly tanhConstant: number
}

/** The rows of the controller's parameter matrix (or of its gradient), grouped by their purpose. */
interface Parts<Row> {
  /** The learnt input vector x of the controller's first decision, [size]. */
  readonly start: Row
  /** The matrix W of each LSTM layer of the controller. */
  readonly lstm: readonly (readonly Row[])[]
  /** Output layers, by the number of values of a decision: one row [size + 1] per value, with the bias at its end. */
  readonly heads: ReadonlyMap<number, readonly Row[]>
  /**
   * Embeddings, by the number of values of a decision: one row [size] per value, which is the LSTM's next input after
   * the value was sampled.
   */
  readonly embeddings: ReadonlyMap<number, readonly Row[]>
}

/**
 * Returns the length of each row of the controller's parameters: start vector, LSTM layers, then an output layer and an
 * embedding for each number of values that a decision can have.
 */
function widthsOf({ cardinalities, size, layers }: ControllerShape): number[] {
  const lstm = new Array<number>(4 * size * layers).fill(2 * size + 1)
  const heads = kindsOf(cardinalities).flatMap((n) => [
    ...new Array<number>(n).fill(size + 1),
    ...new Array<number>(n).fill(size),
  ])
  return [size, ...lstm, ...heads]
}

const kindsOf = (cardinalities: readonly number[]) => [...new Set(cardinalities)]

function partsOf<Row>({ cardinalities, size, layers }: ControllerShape, rows: readonly Row[]): Parts<Row> {
  const heads = new Map<number, readonly Row[]>()
  const embeddings = new Map<number, readonly Row[]>()
  let at = 1 + 4 * size * layers
  for (const n of kindsOf(cardinalities)) {
    heads.set(n, rows.slice(at, at + n))
    embeddings.set(n, rows.slice(at + n, at + 2 * n))
    at += 2 * n
  }
  const lstm = Array.from({ length: layers }, (_, layer) =>
    rows.slice(1 + 4 * size * layer, 1 + 4 * size * (layer + 1)),
  )
  return { start: rows[0], lstm, heads, embeddings }
}

/** The initial parameters of ENAS' controller: uniform in [−0.1, 0.1] (ENAS §3.1). */
export const controllerStart = (shape: ControllerShape, stream: RandomStream): Matrix =>
  widthsOf(shape).map((width) => Array.from({ length: width }, () => 0.2 * stream.uniform() - 0.1))

/** One decision sampled by the controller, with the values that the gradient of its log-probability needs. */
interface Decision {
  readonly lstm: LstmStep
  readonly probabilities: readonly number[]
  /** Derivative of each value's logit wrt the output layer's product W·h, through the temperature and tanh. */
  readonly slopes: readonly number[]
  readonly value: number
}

/** A sampled architecture as a list of decisions, with the values that the gradient of its log-probability needs. */
export interface ControllerSample {
  readonly decisions: readonly number[]
  readonly logProbability: number
  /** Sum of the entropies of the sampled architecture's decisions, in nats. */
  readonly entropy: number
  readonly trace: readonly Decision[]
}

/** Samples one architecture, decision by decision, from the LSTM controller. */
export function sampleController(shape: ControllerShape, parameters: Matrix, stream: RandomStream): ControllerSample {
  const { start, lstm, heads, embeddings } = partsOf(shape, parameters)
  const trace: Decision[] = []
  let state = lstmStart(shape.layers, shape.size)
  let input = start
  for (const n of shape.cardinalities) {
    const step = lstmStep(lstm, state, input)
    state = step.state
    const decision = decide(shape, rowsFor(heads, n), step, stream)
    trace.push(decision)
    input = rowsFor(embeddings, n)[decision.value]
  }
  return {
    decisions: trace.map(({ value }) => value),
    logProbability: trace.reduce((sum, { probabilities, value }) => sum + Math.log(probabilities[value]), 0),
    entropy: trace.reduce((sum, { probabilities }) => sum + entropy(probabilities), 0),
    trace,
  }
}

function decide(
  { temperature, tanhConstant }: ControllerShape,
  head: Matrix,
  lstm: LstmStep,
  stream: RandomStream,
): Decision {
  const h = [...topOf(lstm), 1]
  const squashed = head.map((row) => Math.tanh(dot(row, h) / temperature))
  const probabilities = softmax(squashed.map((t) => tanhConstant * t))
  return {
    lstm,
    probabilities,
    slopes: squashed.map((t) => (tanhConstant * (1 - t * t)) / temperature),
    value: categorical(probabilities, stream),
  }
}

const topOf = ({ state }: LstmStep) => state.h[state.h.length - 1]

const entropy = (probabilities: readonly number[]) => probabilities.reduce((sum, p) => sum - p * Math.log(p), 0)

/** The gradient of the log-probability of a sampled architecture wrt the controller's parameters. */
export function logProbabilityGradient(
  shape: ControllerShape,
  parameters: Matrix,
  { trace }: ControllerSample,
): Matrix {
  const gradient = parameters.map((row) => new Array<number>(row.length).fill(0))
  const { lstm, heads } = partsOf(shape, parameters)
  const into = partsOf(shape, gradient)
  let after = lstmStart(shape.layers, shape.size)
  for (let at = trace.length - 1; at >= 0; at--) {
    const n = shape.cardinalities[at]
    const gradTop = throughHead(trace[at], rowsFor(heads, n), rowsFor(into.heads, n))
    const top = shape.layers - 1
    const h = after.h.map((row, layer) => (layer === top ? row.map((value, k) => value + gradTop[k]) : row))
    const before = lstmStepGradient(lstm, trace[at].lstm, { h, c: after.c }, into.lstm as readonly number[][][])
    const fed = at === 0 ? into.start : rowsFor(into.embeddings, shape.cardinalities[at - 1])[trace[at - 1].value]
    addScaled(fed, 1, before.x)
    after = before
  }
  return gradient
}

/**
 * Back-propagates the log-probability of a decision through the controller's output layer. Adds the gradient wrt the
 * output layer to `gradHead`. → the gradient wrt the hidden state h of the top LSTM layer
 */
function throughHead(decision: Decision, head: Matrix, gradHead: readonly number[][]): number[] {
  const h = topOf(decision.lstm)
  const gradH = new Array<number>(h.length).fill(0)
  for (const [v, p] of decision.probabilities.entries()) {
    const gradProduct = (Number(v === decision.value) - p) * decision.slopes[v]
    addScaled(gradHead[v], gradProduct, [...h, 1])
    addScaled(gradH, gradProduct, head[v])
  }
  return gradH
}

function rowsFor<Row>(rows: ReadonlyMap<number, readonly Row[]>, n: number): readonly Row[] {
  return rows.get(n) ?? []
}

/** The hidden state h and cell state c of each LSTM layer. */
interface LstmState {
  readonly h: Matrix
  readonly c: Matrix
}

/** The state h and c of all LSTM layers before the first decision: zeros. */
const lstmStart = (layers: number, size: number): LstmState => ({
  h: Array.from({ length: layers }, () => new Array<number>(size).fill(0)),
  c: Array.from({ length: layers }, () => new Array<number>(size).fill(0)),
})

/** The values that back-propagation through one step of one LSTM layer needs. */
interface LayerStep {
  readonly input: readonly number[]
  readonly gates: readonly number[]
  readonly previousC: readonly number[]
  readonly c: readonly number[]
}

/** One step of all LSTM layers: the state after the step, and the values that back-propagation through it needs. */
interface LstmStep {
  readonly state: LstmState
  readonly layers: readonly LayerStep[]
}

/** Runs one step of all LSTM layers. @param weights the matrix W of each layer; @param x input of the lowest layer */
function lstmStep(weights: readonly Matrix[], state: LstmState, x: readonly number[]): LstmStep {
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

/** The gradient of the loss wrt the state h and c of all LSTM layers, and wrt the input x of the lowest layer. */
interface LstmCotangent {
  readonly h: Matrix
  readonly c: Matrix
  readonly x: readonly number[]
}

/**
 * Back-propagates through one step of all LSTM layers.
 * @param after ∂L/∂state after the step, including what the output layer adds to the top layer's h
 * @param gradWeights ∂L/∂W of each layer, to which the step's gradient is added
 * @returns ∂L/∂state before the step, and ∂L/∂x
 */
function lstmStepGradient(
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

/** Back-propagates through one step of an LSTM layer. → ∂L/∂(gates before σ or tanh) and ∂L/∂(c before the step) */
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

/** The dot product of two vectors. */
function dot(a: readonly number[], b: readonly number[]): number {
  let sum = 0
  for (let k = 0; k < a.length; k++) sum += a[k] * b[k]
  return sum
}

/** Adds a·x to `target` in place. */
function addScaled(target: number[], a: number, x: readonly number[]): void {
  for (let k = 0; k < target.length; k++) target[k] += a * x[k]
}
