/**
 * Rewrites networks for scores: removes batch norms, cuts out the layers between two activations, and finds the layers
 * that reach the output.
 */
import { type Layer, type Network, sizeOf, type ValueId } from '../../core/network.ts'

/** Returns the ids of the activations that a layer reads. */
export function inputsOf(layer: Layer): readonly ValueId[] {
  if ('input' in layer) return [layer.input]
  return 'inputs' in layer ? layer.inputs.flatMap((input) => input ?? []) : []
}

/** Returns the ids of the parameter tensors that a layer reads. */
function parametersOf(layer: Layer): readonly number[] {
  switch (layer.kind) {
    case 'conv':
    case 'depthwiseConv':
      return [layer.filter]
    case 'linear':
      return [layer.weight, layer.bias]
    case 'batchNorm':
      return layer.affine ? [layer.affine.scale, layer.affine.shift] : []
    default:
      return []
  }
}

/**
 * Returns the layers on which the activations `to` depend, in order. @param from activations behind which no layer is
 * returned
 */
export function layersBefore({ layers }: Network, to: readonly ValueId[], from: readonly ValueId[] = []): Layer[] {
  const stops = new Set(from)
  const needed = new Set(to.filter((id) => !stops.has(id)))
  const found = layers.toReversed().filter((layer) => {
    if (!needed.has(layer.output)) return false
    for (const id of inputsOf(layer)) if (!stops.has(id)) needed.add(id)
    return true
  })
  return found.reverse()
}

/** Returns the layers on which the logits of the main head depend. */
export const liveLayers = (network: Network): Layer[] => layersBefore(network, [network.heads[0].logits])

/** Returns for each activation how many times layers read it. */
export function readsOf({ layers, values }: Network): number[] {
  const reads = values.map(() => 0)
  for (const layer of layers) for (const id of inputsOf(layer)) reads[id]++
  return reads
}

/**
 * Returns the network without its batch norms: layers read a batch norm's input in place of its output. The parameters
 * stay the same, so that weight vectors fit both networks.
 */
export function withoutBatchNorms(network: Network): Network {
  const source = new Map<ValueId, ValueId>()
  const at = (id: ValueId): ValueId => source.get(id) ?? id
  const layers = network.layers.flatMap((layer): Layer[] => {
    if (layer.kind === 'batchNorm') {
      source.set(layer.output, at(layer.input))
      return []
    }
    if ('input' in layer) return [{ ...layer, input: at(layer.input) }]
    if (layer.kind === 'mix')
      return [{ ...layer, inputs: layer.inputs.map((input) => (input === null ? null : at(input))) }]
    return 'inputs' in layer ? [{ ...layer, inputs: layer.inputs.map(at) }] : [layer]
  })
  return {
    ...network,
    name: `${network.name} without batch norms`,
    layers,
    heads: network.heads.map((head) => ({ ...head, logits: at(head.logits) })),
    features: at(network.features),
    statistics: [],
  }
}

/** The layers between two activations `from` and `to` as a separate network. */
export interface Section {
  /**
   * The network of the layers between `from` and `to`: its input is `from`, and its features, which are observed, are
   * `to`.
   */
  readonly network: Network
  /** For each parameter tensor that was copied from the whole network: its id in the whole network. */
  readonly parameters: readonly number[]
}

/**
 * Returns the layers between two activations as a separate network, with a head of one class in place of the remaining
 * layers. Undefined if `to` does not depend on `from`, or also depends on the image by a path around `from`.
 */
export function sectionBetween(network: Network, from: ValueId, to: ValueId): Section | undefined {
  const layers = layersBefore(network, [to], [from])
  const own = new Set([from, ...layers.map(({ output }) => output)])
  if (!layers.every((layer) => inputsOf(layer).every((id) => own.has(id)))) return undefined
  if (!layers.some((layer) => inputsOf(layer).includes(from))) return undefined
  const valueIds = [from, ...layers.map(({ output }) => output)]
  const newValue = new Map(valueIds.map((id, i) => [id, i]))
  const parameterIds = [...new Set(layers.flatMap(parametersOf))]
  const newParameter = new Map(parameterIds.map((id, i) => [id, i]))
  const value = (id: ValueId) => newValue.get(id) as ValueId
  const parameter = (id: number) => newParameter.get(id) as number
  const statistics: number[] = []
  const moved = layers.map((layer): Layer => {
    const output = value(layer.output)
    switch (layer.kind) {
      case 'conv':
      case 'depthwiseConv':
        return { ...layer, input: value(layer.input), output, filter: parameter(layer.filter) }
      case 'linear':
        return {
          ...layer,
          input: value(layer.input),
          output,
          weight: parameter(layer.weight),
          bias: parameter(layer.bias),
        }
      case 'batchNorm': {
        const { affine, statistics: kept } = layer
        const { channels } = network.values[layer.input]
        return {
          ...layer,
          input: value(layer.input),
          output,
          affine: affine && { scale: parameter(affine.scale), shift: parameter(affine.shift) },
          statistics: kept === null ? null : statistics.push(channels) - 1,
        }
      }
      case 'mix':
        return { ...layer, inputs: layer.inputs.map((input) => (input === null ? null : value(input))), output }
      case 'sum':
      case 'concat':
        return { ...layer, inputs: layer.inputs.map(value), output }
      case 'noise':
      case 'zeros':
        return { ...layer, output }
      default:
        return { ...layer, input: value(layer.input), output }
    }
  })
  const shapes = valueIds.map((id) => network.values[id])
  const end = value(to)
  const { channels } = network.values[to]
  const pooled = shapes.length
  const weight = parameterIds.length
  const fanIn = channels
  return {
    parameters: parameterIds,
    network: {
      ...network,
      name: `${network.name}, from value ${from} to ${to}`,
      values: [...shapes, { height: 1, width: 1, channels }, { height: 1, width: 1, channels: 1 }],
      layers: [
        ...moved,
        { kind: 'globalMean', input: end, output: pooled },
        { kind: 'linear', input: pooled, output: pooled + 1, weight, bias: weight + 1 },
      ],
      parameters: [
        ...parameterIds.map((id) => network.parameters[id]),
        { name: 'head.weight', shape: [channels, 1], initialiser: { kind: 'uniform-fan-in', fanIn } },
        { name: 'head.bias', shape: [1], initialiser: { kind: 'constant', value: 0 } },
      ],
      statistics,
      heads: [{ logits: pooled + 1, lossWeight: 1 }],
      features: end,
      observed: end === 0 ? [0] : [0, end],
      cells: [],
      classes: 1,
    },
  }
}

/** Returns for each parameter tensor its interval [from, to) in a flat weight vector. */
export function parameterRanges({ parameters }: Pick<Network, 'parameters'>): [from: number, to: number][] {
  let start = 0
  return parameters.map(({ shape }) => {
    const from = start
    start += sizeOf(shape)
    return [from, start]
  })
}

/**
 * Returns the intervals of a flat weight vector that hold filters and linear weights: the weights that scores from the
 * pruning literature use. Scales, shifts and biases are left out.
 */
export function weightRanges(network: Pick<Network, 'parameters'>): [from: number, to: number][] {
  const ranges = parameterRanges(network)
  return ranges.filter((_, id) => network.parameters[id].shape.length > 1)
}
