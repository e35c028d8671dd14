/**
 * Widening of a supernet between the stages of DrNAS (eq. 7-8, after Net2Net, Chen et al. 2016): maps the weights W of
 * a supernet whose operations see few channels to the weights U of the same supernet whose operations see more.
 *
 *     g(j) = j for j ≤ n,  else a random member of 1 … n            (eq. 7)        n old channels, q > n new ones
 *     U[o][i] = W[g(o)][g(i)]                                       (eq. 8)        not divided by how often i is copied
 *
 * Each operation of each edge of each cell has one mapping g, so that its layers agree on which channel copies which.
 * SGD's momentum and the running batch-norm statistics are mapped like the weights. Parameters whose shape does not
 * grow are kept. Algorithm files have at most 120 lines; this one is longer because of the rules for each kind of
 * layer.
 */
import type { ExecutableState } from '../core/executor.ts'
import { type Network, type Parameter, type ParameterId, sizeOf, type ValueId } from '../core/network.ts'
import type { RandomStream } from '../core/random.ts'

/**
 * Returns the weights, momentum and batch-norm statistics of the wider supernet `to`, copied channel by channel from
 * those of `from`.
 * @param stream returns the random stream of an operation's channel mapping, given its name, as
 * `cell0.edge0-1.nor_conv_3x3`
 */
export function widen(
  from: Network,
  to: Network,
  state: ExecutableState,
  stream: (operation: string) => RandomStream,
): ExecutableState {
  const channelMap = (operation: string, n: number, q: number) => randomMapping(n, q, stream(operation))
  return {
    weights: widenParameters(from, to, state.weights, channelMap),
    momentum: widenParameters(from, to, state.momentum, channelMap),
    statistics: widenStatistics(from, to, state.statistics, channelMap),
  }
}

/** Returns the channel mapping g of an operation: g(j) is the one of n old channels that new channel j of q copies. */
type ChannelMap = (operation: string, n: number, q: number) => readonly number[]

/**
 * Samples the channel mapping g(0) … g(q − 1) of DrNAS' eq. 7 (0-based): g(j) = j for j < n, else a random one of n.
 */
export function randomMapping(n: number, q: number, stream: RandomStream): number[] {
  return Array.from({ length: q }, (_, j) => (j < n ? j : stream.integer(n)))
}

/** Returns the name of the operation that a network weight belongs to, as `cell0.edge0-1.nor_conv_3x3`. */
const operationOf = ({ name }: Parameter) => name.split('.').slice(0, 3).join('.')

function widenParameters(from: Network, to: Network, values: Float32Array, channelMap: ChannelMap): Float32Array {
  const normalised = normalisedValues(to)
  let start = 0
  const parts = to.parameters.map((parameter, i) => {
    const { shape } = from.parameters[i]
    const old = values.subarray(start, start + sizeOf(shape))
    start += old.length
    const input = normalised.get(i)
    const maps =
      input === undefined
        ? parameter.shape.map((q, axis) => channelMap(operationOf(parameter), shape[axis], q))
        : [valueMap(to, input, shape[0], channelMap)]
    return gather(old, shape, maps)
  })
  return joined(parts)
}

/** Maps the scale and shift parameters of each batch norm to the value (tensor of the network) that it normalises. */
function normalisedValues({ layers }: Network): ReadonlyMap<ParameterId, ValueId> {
  return new Map(
    layers.flatMap((layer) =>
      layer.kind === 'batchNorm' && layer.affine !== null
        ? [layer.affine.scale, layer.affine.shift].map((parameter) => [parameter, layer.input] as const)
        : [],
    ),
  )
}

/**
 * Returns, for each channel of a value (tensor) of the wider network, the channel of the old network that it copies.
 * The output of a convolution has the mapping of its operation; a concatenation, as in a skip connection of stride 2,
 * has the mappings of its parts side by side.
 */
function valueMap(to: Network, value: ValueId, n: number, channelMap: ChannelMap): readonly number[] {
  const layer = to.layers.find(({ output }) => output === value)
  const q = to.values[value].channels
  if (layer?.kind === 'conv' || layer?.kind === 'depthwiseConv') {
    return channelMap(operationOf(to.parameters[layer.filter]), n, q)
  }
  if (layer?.kind !== 'concat') return channelMap(`value ${value}`, n, q)
  // All parts grow alike.
  const sizes = layer.inputs.map((input) => (n * to.values[input].channels) / q)
  const firsts = offsetsOf(sizes)
  return layer.inputs.flatMap((input, i) =>
    valueMap(to, input, sizes[i], channelMap).map((channel) => firsts[i] + channel),
  )
}

/** Returns the first channel of each part of a concatenation, given the number of channels of each part. */
function offsetsOf(sizes: readonly number[]): number[] {
  let end = 0
  return sizes.map((size) => {
    const start = end
    end += size
    return start
  })
}

/** Gathers tensor entries along every axis (DrNAS, eq. 8): result[j₀][j₁]… = values[g₀(j₀)][g₁(j₁)]…, row-major. */
function gather(values: Float32Array, shape: readonly number[], maps: readonly (readonly number[])[]): Float32Array {
  const offsets = maps.reduce<number[]>(
    (so, map, axis) => so.flatMap((offset) => map.map((index) => offset * shape[axis] + index)),
    [0],
  )
  return Float32Array.from(offsets, (offset) => values[offset])
}

function widenStatistics(from: Network, to: Network, values: Float32Array, channelMap: ChannelMap): Float32Array {
  let start = 0
  const parts = to.statistics.flatMap((_, i) => {
    const n = from.statistics[i]
    const map = valueMap(to, trackedValue(to, i), n, channelMap)
    const [mean, variance] = [values.subarray(start, start + n), values.subarray(start + n, start + 2 * n)]
    start += 2 * n
    return [gather(mean, [n], [map]), gather(variance, [n], [map])]
  })
  return joined(parts)
}

/**
 * Finds the value (tensor of the network) that is normalised by the batch norm with running statistics number
 * `statistics`.
 */
function trackedValue({ layers }: Network, statistics: number): ValueId {
  const layer = layers.find((each) => each.kind === 'batchNorm' && each.statistics === statistics)
  if (layer?.kind === 'batchNorm') return layer.input
  throw new TypeError(`no batch normalisation has the statistics ${statistics}`)
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0))
  let start = 0
  for (const part of parts) {
    whole.set(part, start)
    start += part.length
  }
  return whole
}
