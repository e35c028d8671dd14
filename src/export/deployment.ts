/**
 * A network as it is exported: the layers that its main head depends on, its tensors by PyTorch's names, and what a
 * user of the file must know about input and classes.
 */
import { BenchError } from '../core/errors.ts'
import type { ExecutableState } from '../core/executor.ts'
import type { Layer, Network, ValueId } from '../core/network.ts'
import type { TrainedInput } from '../core/retraining.ts'
import type { NamedTensor } from '../system/safetensors.ts'
import { namedTensors, tensorPlaces } from '../training/namedTensors.ts'

/** A network with its weights, to be written in another program's file format. */
export interface Deployment {
  readonly network: Network
  readonly state: Pick<ExecutableState, 'weights' | 'statistics'>
  readonly input: TrainedInput
  /** Named texts about the network (genotype, training, accuracy, …), which formats store as metadata if they can. */
  readonly notes: Readonly<Record<string, string>>
}

/**
 * Returns the layers on which a network's main head depends, in order of computation. Drop-path layers are left out,
 * since they do nothing after training.
 */
export function inferenceLayers({ layers, heads }: Network): readonly Layer[] {
  const sources = new Map<ValueId, ValueId>()
  const through = (id: ValueId): ValueId => sources.get(id) ?? id
  for (const layer of layers) if (layer.kind === 'dropPath') sources.set(layer.output, through(layer.input))
  const needed = new Set([through(heads[0].logits)])
  const kept: Layer[] = []
  for (const layer of layers.toReversed()) {
    if (layer.kind === 'dropPath' || !needed.has(layer.output)) continue
    const own = redirected(layer, through)
    for (const input of inputsOfLayer(own)) needed.add(input)
    kept.push(own)
  }
  return kept.reverse()
}

/** Returns the ids of the values that a layer reads, in order; absent inputs (null) of a mixed sum are left out. */
export function inputsOfLayer(layer: Layer): readonly ValueId[] {
  if (layer.kind === 'sum' || layer.kind === 'concat') return layer.inputs
  if (layer.kind === 'mix') return layer.inputs.filter((input) => input !== null)
  return layer.kind === 'noise' || layer.kind === 'zeros' ? [] : [layer.input]
}

function redirected(layer: Layer, through: (id: ValueId) => ValueId): Layer {
  if ('input' in layer) return { ...layer, input: through(layer.input) }
  if (layer.kind === 'sum' || layer.kind === 'concat') return { ...layer, inputs: layer.inputs.map(through) }
  return layer
}

/** Returns the ids of the values of shape [batch, channels], which have no spatial axes. */
export function flatValues(layers: readonly Layer[]): ReadonlySet<ValueId> {
  const flat = new Set<ValueId>()
  for (const layer of layers) {
    const [first] = inputsOfLayer(layer)
    if (layer.kind === 'globalMean' || layer.kind === 'linear' || flat.has(first)) flat.add(layer.output)
  }
  return flat
}

/** Returns the tensors that an exported network needs, by name; those of the auxiliary head are left out. */
export function deployedTensors({ network, state }: Deployment): ReadonlyMap<string, NamedTensor> {
  const used = new Set<string>()
  const places = tensorPlaces(network)
  for (const layer of inferenceLayers(network)) {
    for (const parameter of parametersOf(layer)) used.add(places[parameter].name)
    if (layer.kind === 'batchNorm' && layer.statistics !== null) {
      for (const place of statisticsPlaces(network, layer.statistics)) used.add(places[place].name)
    }
  }
  return new Map(
    namedTensors(network, state).flatMap((tensor) => (used.has(tensor.name) ? [[tensor.name, tensor]] : [])),
  )
}

/** Returns the positions of a batch normalisation's running mean and variance in the list of `tensorPlaces`. */
const statisticsPlaces = ({ parameters }: Network, statistics: number): readonly number[] => [
  parameters.length + 2 * statistics,
  parameters.length + 2 * statistics + 1,
]

function parametersOf(layer: Layer): readonly number[] {
  if (layer.kind === 'conv' || layer.kind === 'depthwiseConv') return [layer.filter]
  if (layer.kind === 'linear') return [layer.weight, layer.bias]
  return layer.kind === 'batchNorm' && layer.affine !== null ? [layer.affine.scale, layer.affine.shift] : []
}

/** Returns the error for a layer that a file format cannot represent. @param format name of the format for messages */
export function inexpressible({ name }: Network, { kind }: Layer, format: string): BenchError {
  const reason =
    kind === 'noise'
      ? 'the operation noise draws new numbers for every image'
      : kind === 'batchNorm'
        ? 'a batch normalisation without running statistics computes with those of the batch'
        : `the layer ${kind} depends on a search`
  return new BenchError('unsupported', `${name} has no form in ${format}: ${reason}; export an architecture without it`)
}
