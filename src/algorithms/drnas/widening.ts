/**
 * Widening a search network (DrNAS, eq. 7-8, after Net2Net, Chen et al. 2016): from a state of a network with few
 * operated channels to a state of the same network with more.
 *
 *     g(j) = j for j ≤ n,  else a random member of 1 … n            (eq. 7)        n old channels, q > n new ones
 *     U[o][i] = W[g(o)][g(i)]                                       (eq. 8)        not divided by how often i is copied
 *
 * One g for each operation of each edge of each cell, so that the layers inside it agree on which channel is a copy of
 * which. SGD's momentum and the running statistics are mapped as the weights are; what has not grown stays.
 */
import type { ExecutableState } from '../../core/executor.ts'
import { type Network, type Parameter, sizeOf } from '../../core/network.ts'
import type { RandomStream } from '../../core/random.ts'

/** @param stream of the operation with this name, as `cell0.edge0-1.nor_conv_3x3` */
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

type ChannelMap = (operation: string, n: number, q: number) => readonly number[]

/** Eq. 7, 0-based: g(0) … g(q − 1). */
export function randomMapping(n: number, q: number, stream: RandomStream): number[] {
  return Array.from({ length: q }, (_, j) => (j < n ? j : stream.integer(n)))
}

/** The first three parts of a parameter's name: cell, edge, operation. */
const operationOf = ({ name }: Parameter) => name.split('.').slice(0, 3).join('.')

function widenParameters(from: Network, to: Network, values: Float32Array, channelMap: ChannelMap): Float32Array {
  let start = 0
  const parts = to.parameters.map((parameter, i) => {
    const { shape } = from.parameters[i]
    const old = values.subarray(start, start + sizeOf(shape))
    start += old.length
    const maps = parameter.shape.map((q, axis) => channelMap(operationOf(parameter), shape[axis], q))
    return gather(old, shape, maps)
  })
  return joined(parts)
}

/** Eq. 8 over any number of axes: result[j₀][j₁]… = values[g₀(j₀)][g₁(j₁)]…. Row-major. */
function gather(values: Float32Array, shape: readonly number[], maps: readonly (readonly number[])[]): Float32Array {
  const offsets = maps.reduce<number[]>(
    (so, map, axis) => so.flatMap((offset) => map.map((index) => offset * shape[axis] + index)),
    [0],
  )
  return Float32Array.from(offsets, (offset) => values[offset])
}

function widenStatistics(from: Network, to: Network, values: Float32Array, channelMap: ChannelMap): Float32Array {
  let start = 0
  const parts = to.statistics.flatMap((q, i) => {
    const n = from.statistics[i]
    const map = channelMap(normalisedOperation(to, i), n, q)
    const [mean, variance] = [values.subarray(start, start + n), values.subarray(start + n, start + 2 * n)]
    start += 2 * n
    return [gather(mean, [n], [map]), gather(variance, [n], [map])]
  })
  return joined(parts)
}

/** The operation whose convolution this batch normalisation follows; a name of its own where it follows none. */
function normalisedOperation({ layers, parameters }: Network, statistics: number): string {
  const normalisation = layers.find((layer) => layer.kind === 'batchNorm' && layer.statistics === statistics)
  const input = normalisation !== undefined && 'input' in normalisation ? normalisation.input : undefined
  const before = layers.find(({ output }) => output === input)
  const filter = before !== undefined && 'filter' in before ? before.filter : undefined
  return filter === undefined ? `statistics ${statistics}` : operationOf(parameters[filter])
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
