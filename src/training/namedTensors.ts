/**
 * Names the weights and running statistics of a network as a PyTorch module would, and converts between PyTorch's
 * layouts and those of the executors, so that weights can be kept in files that other programs read.
 *
 * Convolution filters are HWIO here and OIHW in PyTorch, depthwise filters HWC here and [C, 1, H, W] there, weights of
 * linear layers [in, out] here and [out, in] there; where an image is flattened, pixels come first here and channels
 * there.
 */
import { BenchError } from '../core/errors.ts'
import type { ExecutableState } from '../core/executor.ts'
import { type Layer, type Network, parameterCount, sizeOf } from '../core/network.ts'
import { offsetsOf } from '../engine/graph/graph.ts'
import type { NamedTensor } from '../system/safetensors.ts'

/** Where a named tensor is in the state of a compiled network, and how its axes are ordered there. */
export interface TensorPlace {
  readonly name: string
  /** Shape of the tensor in PyTorch. */
  readonly shape: readonly number[]
  readonly in: 'weights' | 'statistics'
  /** Position of the tensor's first entry in the flat vector of weights or statistics. */
  readonly offset: number
  /** Extents of the tensor in the executors' order, row-major. */
  readonly extents: readonly number[]
  /** For each axis in PyTorch's order, the index of the same axis in the executors' order. */
  readonly axes: readonly number[]
}

/**
 * Returns the name of a parameter as the attribute path of a PyTorch module with two levels of modules:
 * `cell0.op3.sep_conv_3x3.dw1.weight` becomes `cell0.op3_sep_conv_3x3.dw1.weight`. Hyphens become underscores.
 */
export function torchName(name: string): string {
  const parts = name.replaceAll('-', '_').split('.')
  if (parts.length <= 4) return parts.join('.')
  return [parts[0], parts.slice(1, -2).join('_'), ...parts.slice(-2)].join('.')
}

/**
 * Returns the PyTorch module names of a network's batch normalisations, by their index among those that keep running
 * statistics. A normalisation without scale and shift has no name of its own; it is numbered within its cell:
 * `cell2.norm0`.
 */
export function normNames({ layers, parameters }: Network): ReadonlyMap<number, string> {
  const names = new Map<number, string>()
  const counts = new Map<string, number>()
  let block = 'norm'
  for (const layer of layers) {
    const named = parameterOf(layer)
    if (named !== undefined) block = torchName(parameters[named].name).split('.')[0]
    if (layer.kind !== 'batchNorm' || layer.statistics === null) continue
    if (layer.affine !== null) names.set(layer.statistics, moduleOf(parameters[layer.affine.scale].name))
    else {
      const count = counts.get(block) ?? 0
      counts.set(block, count + 1)
      names.set(layer.statistics, `${block}.norm${count}`)
    }
  }
  return names
}

/** Returns the path of the PyTorch module that has a parameter: the parameter's name without its last part. */
export const moduleOf = (parameter: string): string => torchName(parameter).replace(/\.[^.]*$/, '')

/** Returns the first parameter that a layer reads; undefined for layers without parameters. */
function parameterOf(layer: Layer): number | undefined {
  if (layer.kind === 'conv' || layer.kind === 'depthwiseConv') return layer.filter
  if (layer.kind === 'linear') return layer.weight
  return layer.kind === 'batchNorm' ? layer.affine?.scale : undefined
}

/** Returns all tensors of a network in the order of its parameters, followed by its running statistics. */
export function tensorPlaces(network: Network): TensorPlace[] {
  const { parameters, statistics } = network
  const layouts = layoutsOf(network)
  const offsets = offsetsOf(parameters.map(({ shape }) => sizeOf(shape)))
  const weights = parameters.map(({ name, shape }, id): TensorPlace => {
    const own = { shape, extents: shape, axes: shape.map((_, axis) => axis) }
    return { name: torchName(name), in: 'weights', offset: offsets[id], ...(layouts.get(id) ?? own) }
  })
  const names = normNames(network)
  const starts = offsetsOf(statistics.map((channels) => 2 * channels))
  const running = statistics.flatMap((channels, id) => {
    const own = { shape: [channels], in: 'statistics' as const, extents: [channels], axes: [0] }
    return [
      { name: `${names.get(id)}.running_mean`, offset: starts[id], ...own },
      { name: `${names.get(id)}.running_var`, offset: starts[id] + channels, ...own },
    ]
  })
  const places = [...weights, ...running]
  const taken = new Set<string>()
  for (const { name } of places) {
    if (taken.has(name)) throw new BenchError('unsupported', `${network.name}: two tensors have the name ${name}`)
    taken.add(name)
  }
  return places
}

/**
 * Returns the PyTorch shape and the order of axes of each parameter whose layout differs between PyTorch and the
 * executors, by the parameter's id.
 */
function layoutsOf({ layers, parameters, values }: Network) {
  const layouts = new Map<number, Pick<TensorPlace, 'shape' | 'extents' | 'axes'>>()
  for (const layer of layers) {
    if (layer.kind === 'conv') {
      const [height, width, inputs, outputs] = parameters[layer.filter].shape
      const extents = [height, width, inputs, outputs]
      layouts.set(layer.filter, { shape: [outputs, inputs, height, width], extents, axes: [3, 2, 0, 1] })
    } else if (layer.kind === 'depthwiseConv') {
      const [height, width, channels] = parameters[layer.filter].shape
      layouts.set(layer.filter, {
        ...{ shape: [channels, 1, height, width], extents: [height, width, channels], axes: [2, 0, 1] },
      })
    } else if (layer.kind === 'linear') {
      const [inputs, outputs] = parameters[layer.weight].shape
      const { height, width, channels } = values[layer.input]
      const extents = [height * width, channels, outputs]
      layouts.set(layer.weight, { shape: [outputs, inputs], extents, axes: [2, 1, 0] })
    }
  }
  return layouts
}

/** Returns the weights and running statistics of a compiled network as tensors in PyTorch's layouts. */
export function namedTensors(network: Network, state: Pick<ExecutableState, 'weights' | 'statistics'>): NamedTensor[] {
  return tensorPlaces(network).map((place) => {
    const { name, shape, offset, extents, axes } = place
    const values = state[place.in].subarray(offset, offset + sizeOf(shape))
    return { name, shape, values: transposed(values, extents, axes) }
  })
}

/**
 * Returns the state of a compiled network with these weights and running statistics, and with momentum 0. Tensors of
 * other names, such as those of an auxiliary head, are left out.
 * @param origin file of the tensors, for messages
 * @throws BenchError `bad-input` if a tensor of the network is missing or has another shape
 */
export function stateOf(network: Network, tensors: readonly NamedTensor[], origin: string): ExecutableState {
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]))
  const state: ExecutableState = {
    weights: new Float32Array(parameterCount(network)),
    momentum: new Float32Array(parameterCount(network)),
    statistics: new Float32Array(2 * network.statistics.reduce((sum, channels) => sum + channels, 0)),
  }
  for (const { name, shape, in: target, offset, extents, axes } of tensorPlaces(network)) {
    const tensor = byName.get(name)
    if (tensor === undefined || String(tensor.shape) !== String(shape)) {
      const found = tensor === undefined ? 'is missing' : `has shape [${tensor.shape}]`
      throw new BenchError(
        'bad-input',
        `${origin} does not fit ${network.name}: ${name} ${found}, expected [${shape}]; name the weights of this network`,
      )
    }
    const permuted = axes.map((axis) => extents[axis])
    const inverse = axes.map((_, axis) => axes.indexOf(axis))
    state[target].set(transposed(tensor.values, permuted, inverse), offset)
  }
  return state
}

/**
 * Returns the entries of a row-major tensor with its axes in another order.
 * @param axes for each axis of the result, the axis of the input
 */
export function transposed(
  values: Float32Array,
  extents: readonly number[],
  axes: readonly number[],
): Float32Array<ArrayBuffer> {
  const result = new Float32Array(values.length)
  const strides = extents.map((_, axis) => sizeOf(extents.slice(axis + 1)))
  let at = 0
  const walk = (depth: number, from: number): void => {
    if (depth === axes.length) {
      result[at++] = values[from]
      return
    }
    const axis = axes[depth]
    for (let i = 0; i < extents[axis]; i++) walk(depth + 1, from + i * strides[axis])
  }
  walk(0, 0)
  return result
}
