/**
 * The executor's own form of a network: few kinds of operations, each with the freedom that fusing needs. `lower` writes
 * it layer for layer; the passes in `rewrite/` turn it into an equal and cheaper one.
 */
import type { CoefficientId, Layer, Network, ParameterId, Value, ValueId } from '../../core/network.ts'
import { checkPoolings } from '../pooling.ts'

/** Numbers `statistics`, `affine`: as in `Layer`. */
export interface Norm {
  readonly affine: { readonly scale: ParameterId; readonly shift: ParameterId } | null
  readonly statistics: number | null
}

/** Π factors · norm(value); the empty product is 1. */
export interface Term {
  readonly value: ValueId
  readonly norm: Norm | null
  readonly factors: readonly CoefficientId[]
}

export interface FilterWindow {
  readonly height: number
  readonly width: number
  readonly stride: number
  readonly padding: number
  readonly dilation: number
}

export interface Filter {
  /** `dense`: every output channel reads all input channels; `depthwise`: its own. */
  readonly kind: 'dense' | 'depthwise'
  readonly parameter: ParameterId
  readonly window: FilterWindow
  readonly output: ValueId
}

/** Channels of `input` that become channels `to`, `to` + 1, … of the output. */
export interface Move {
  readonly input: ValueId
  readonly channels: readonly number[]
  readonly to: number
}

export interface Pooling {
  readonly kernel: number
  readonly stride: number
  readonly padding: number
}

export type Operation =
  /** output = Σ terms: a node, a sum, a batch normalisation; without terms, zeros. */
  | { readonly kind: 'combine'; readonly terms: readonly Term[]; readonly output: ValueId }
  /** Convolutions of one input, through ReLU or not, each with its own output. */
  | {
      readonly kind: 'convolve'
      readonly input: ValueId
      readonly relu: boolean
      readonly filters: readonly Filter[]
    }
  | { readonly kind: 'relu' | 'heldRelu'; readonly input: ValueId; readonly output: ValueId }
  | {
      readonly kind: 'avgPool' | 'maxPool' | 'heldMaxPool'
      readonly input: ValueId
      readonly pooling: Pooling
      readonly output: ValueId
    }
  | { readonly kind: 'globalMean'; readonly input: ValueId; readonly output: ValueId }
  | { readonly kind: 'bias'; readonly input: ValueId; readonly parameter: ParameterId; readonly output: ValueId }
  | { readonly kind: 'crop'; readonly input: ValueId; readonly rows: number; readonly output: ValueId }
  /** Given by the host for each batch. */
  | { readonly kind: 'noise'; readonly site: number; readonly output: ValueId }
  | { readonly kind: 'dropPath'; readonly input: ValueId; readonly path: number; readonly output: ValueId }
  /** Slice, shuffle and concatenation: every output channel is one input channel. */
  | { readonly kind: 'rearrange'; readonly moves: readonly Move[]; readonly output: ValueId }

export type Of<K extends Operation['kind']> = Operation & { readonly kind: K }

export interface Graph {
  readonly network: Network
  /** The network's values, then those that lowering added. */
  readonly values: readonly Value[]
  readonly operations: readonly Operation[]
}

/** The values that an operation computes. */
export function outputsOf(operation: Operation): readonly ValueId[] {
  return operation.kind === 'convolve' ? operation.filters.map(({ output }) => output) : [operation.output]
}

/** The values that an operation reads, each as often as it does. */
export function inputsOf(operation: Operation): readonly ValueId[] {
  if (operation.kind === 'combine') return operation.terms.map(({ value }) => value)
  if (operation.kind === 'rearrange') return operation.moves.map(({ input }) => input)
  if (operation.kind === 'noise') return []
  return [operation.input]
}

/** What must be there after a forward pass: the heads' logits and the features. */
export function rootsOf({ heads, features }: Network): readonly ValueId[] {
  return [...heads.map(({ logits }) => logits), features]
}

/** Layer for layer, nothing fused. @throws BenchError `unsupported` for a pooling with dilation */
export function lower(network: Network): Graph {
  checkPoolings(network)
  const values = [...network.values]
  const operations = network.layers.flatMap((layer) => lowerLayer(layer, network, values))
  return { network, values, operations }
}

function lowerLayer(layer: Layer, network: Network, values: Value[]): Operation[] {
  switch (layer.kind) {
    case 'conv':
    case 'depthwiseConv': {
      const { input, output, filter: parameter } = layer
      const { kernel, stride, padding, dilation } = layer.window
      const window = { height: kernel, width: kernel, stride, padding, dilation }
      const kind = layer.kind === 'conv' ? 'dense' : 'depthwise'
      return [{ kind: 'convolve', input, relu: false, filters: [{ kind, parameter, output, window }] }]
    }
    case 'linear':
      return lowerLinear(layer, values)
    case 'batchNorm': {
      const { input, output, affine, statistics } = layer
      return [{ kind: 'combine', terms: [{ value: input, norm: { affine, statistics }, factors: [] }], output }]
    }
    case 'zeros':
      return [{ kind: 'combine', terms: [], output: layer.output }]
    case 'sum':
      return [{ kind: 'combine', terms: layer.inputs.map((value) => plain(value, [])), output: layer.output }]
    case 'mix':
      return [{ kind: 'combine', terms: layer.inputs.flatMap(mixTerm(layer.coefficients)), output: layer.output }]
    case 'avgPool':
    case 'maxPool':
      return [{ kind: layer.kind, input: layer.input, pooling: layer.window, output: layer.output }]
    case 'slice':
    case 'shuffle':
    case 'concat':
      return [{ kind: 'rearrange', moves: movesOf(layer, network), output: layer.output }]
    default:
      return [layer]
  }
}

const plain = (value: ValueId, factors: readonly CoefficientId[]): Term => ({ value, norm: null, factors })

const mixTerm = (coefficients: readonly CoefficientId[]) => (value: ValueId | null, i: number) =>
  value === null ? [] : [plain(value, [coefficients[i]])]

/** x·W + b: a convolution whose window is the whole image, then the bias. */
function lowerLinear(
  { input, output, weight, bias }: Extract<Layer, { kind: 'linear' }>,
  values: Value[],
): Operation[] {
  const { height, width } = values[input]
  const product = values.push(values[output]) - 1
  const window: FilterWindow = { height, width, stride: 1, padding: 0, dilation: 1 }
  return [
    { kind: 'convolve', input, relu: false, filters: [{ kind: 'dense', parameter: weight, window, output: product }] },
    { kind: 'bias', input: product, parameter: bias, output },
  ]
}

type Rearrangement = Extract<Layer, { kind: 'slice' | 'shuffle' | 'concat' }>

function movesOf(layer: Rearrangement, { values }: Network): Move[] {
  if (layer.kind === 'concat') {
    let to = 0
    return layer.inputs.map((input) => {
      const channels = range(values[input].channels)
      to += channels.length
      return { input, channels, to: to - channels.length }
    })
  }
  if (layer.kind === 'slice') {
    return [{ input: layer.input, channels: range(layer.count).map((i) => layer.from + i), to: 0 }]
  }
  const { channels } = values[layer.input]
  const { groups } = layer
  const order = range(channels).map((i) => (i % groups) * (channels / groups) + Math.floor(i / groups))
  return [{ input: layer.input, channels: order, to: 0 }]
}

const range = (length: number) => Array.from({ length }, (_, i) => i)
