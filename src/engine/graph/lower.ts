/**
 * Translates a network into a graph of operations, layer by layer: there is one rule for each kind of layer, and
 * nothing is fused yet.
 */
import { BenchError } from '../../core/errors.ts'
import type { CoefficientId, Layer, LayerKind, Network, Value, ValueId } from '../../core/network.ts'
import { type FilterWindow, type Graph, type Move, type Operation, offsetsOf, type Term } from './graph.ts'

/** Translates a network into a graph of operations. @throws BenchError `unsupported` for a pooling with dilation */
export function lower(network: Network): Graph {
  checkPoolings(network)
  const values = [...network.values]
  const operations = network.layers.flatMap((layer) => {
    const rule = rules[layer.kind] as Rule<LayerKind>
    return rule(layer, values)
  })
  return { network, values, operations }
}

/**
 * Checks that no pooling of the network is dilated, because no executor implements that. @throws BenchError
 * `unsupported`
 */
export function checkPoolings({ name, layers }: Network): void {
  for (const layer of layers) {
    if ((layer.kind !== 'avgPool' && layer.kind !== 'maxPool') || layer.window.dilation === 1) continue
    throw new BenchError('unsupported', `${name}: pooling with dilation ${layer.window.dilation}; only 1 is supported`)
  }
}

type LayerOf<K extends LayerKind> = Extract<Layer, { readonly kind: K }>

/**
 * A function that translates one layer into operations. @param values the graph's values so far; the rule may append
 * new ones
 */
type Rule<K extends LayerKind> = (layer: LayerOf<K>, values: Value[]) => readonly Operation[]

const rules: { readonly [K in LayerKind]: Rule<K> } = {
  conv: (layer) => [convolution('dense', layer)],
  depthwiseConv: (layer) => [convolution('depthwise', layer)],
  linear: lowerLinear,
  batchNorm: ({ input, output, affine, statistics }) => [
    { kind: 'combine', terms: [{ value: input, norm: { affine, statistics }, factors: [] }], output },
  ],
  zeros: ({ output }) => [{ kind: 'combine', terms: [], output }],
  sum: ({ inputs, output }) => [{ kind: 'combine', terms: inputs.map((value) => plain(value)), output }],
  mix: ({ inputs, coefficients, output }) => [
    {
      kind: 'combine',
      terms: inputs.flatMap((value, i) => (value === null ? [] : plain(value, coefficients[i]))),
      output,
    },
  ],
  avgPool: ({ input, output, window }) => [{ kind: 'avgPool', input, pooling: window, output }],
  maxPool: ({ input, output, window }) => [{ kind: 'maxPool', input, pooling: window, output }],
  slice: ({ input, output, from, count }) => [
    { kind: 'rearrange', moves: [{ input, channels: range(from, count), to: 0 }], output },
  ],
  shuffle: ({ input, output, groups }, values) => [
    { kind: 'rearrange', moves: [{ input, channels: shuffled(values[input].channels, groups), to: 0 }], output },
  ],
  concat: ({ inputs, output }, values) => [{ kind: 'rearrange', moves: sideBySide(inputs, values), output }],
  relu: (layer) => [layer],
  globalMean: (layer) => [layer],
  crop: (layer) => [layer],
  noise: (layer) => [layer],
  dropPath: (layer) => [layer],
}

const plain = (value: ValueId, ...factors: readonly CoefficientId[]): Term => ({ value, norm: null, factors })

/** Translates a convolution layer, dense or depthwise, into an operation with one filter. */
function convolution(
  kind: 'dense' | 'depthwise',
  { input, output, window: { kernel, ...steps }, filter: parameter }: LayerOf<'conv' | 'depthwiseConv'>,
): Operation {
  const window = { height: kernel, width: kernel, ...steps }
  return { kind: 'convolve', input, relu: false, filters: [{ kind, parameter, output, window }] }
}

/**
 * Translates a linear layer x·W + b into two operations: a convolution whose window is the whole image, then the
 * addition of the bias b.
 */
function lowerLinear({ input, output, weight, bias }: LayerOf<'linear'>, values: Value[]): Operation[] {
  const { height, width } = values[input]
  const product = values.push(values[output]) - 1
  const window: FilterWindow = { height, width, stride: 1, padding: 0, dilation: 1 }
  return [
    { kind: 'convolve', input, relu: false, filters: [{ kind: 'dense', parameter: weight, window, output: product }] },
    { kind: 'bias', input: product, parameter: bias, output },
  ]
}

const range = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i)

/**
 * Returns the channel order after a channel shuffle, which transposes the channels as a matrix [groups, channels /
 * groups].
 */
const shuffled = (channels: number, groups: number) =>
  range(0, channels).map((i) => (i % groups) * (channels / groups) + Math.floor(i / groups))

/** Returns the channel copies of a `rearrange` operation that concatenates the channels of all inputs. */
function sideBySide(inputs: readonly ValueId[], values: readonly Value[]): Move[] {
  const widths = inputs.map((input) => values[input].channels)
  const offsets = offsetsOf(widths)
  return inputs.map((input, i) => ({ input, channels: range(0, widths[i]), to: offsets[i] }))
}
