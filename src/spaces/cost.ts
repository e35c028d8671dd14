/** What a network costs for one image. */
import { type Layer, type Network, type ParameterId, sizeOf } from '../core/network.ts'

/**
 * Multiply-accumulates for one image: convolutions output positions × filter entries, linear layers in·out + out; batch
 * normalisation, pooling and additions count nothing (the convention of the field's tables, which call it FLOPs).
 * Layers that do not reach the output count too, and an auxiliary head where the network was written with one.
 */
export function macCount(network: Network): number {
  return network.layers.reduce((sum, layer) => sum + layerMacs(network, layer), 0)
}

function layerMacs(network: Network, layer: Layer): number {
  const size = (parameter: ParameterId) => sizeOf(network.parameters[parameter].shape)
  switch (layer.kind) {
    case 'conv':
    case 'depthwiseConv': {
      const { height, width } = network.values[layer.output]
      return height * width * size(layer.filter)
    }
    case 'linear':
      return size(layer.weight) + size(layer.bias)
    default:
      return 0
  }
}
