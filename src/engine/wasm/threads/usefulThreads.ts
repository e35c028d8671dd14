/** Decides how many threads a training step of a network can use. */
import { type Layer, type Network, sizeOf } from '../../../core/network.ts'

/**
 * Multiply-adds per layer that make a thread worth its barriers: about 40 µs of work. A barrier of two threads takes half
 * a microsecond if both have a core and hundreds if one waits for a core; with less work per layer, threads gain a
 * little on an idle machine and lose more on a busy one (docs/decisions/0005).
 */
const MULTIPLY_ADDS_PER_THREAD = 400_000

/** Returns the number of threads that have enough work in an average layer; at least 1. */
export function usefulThreads(network: Network, batchSize: number): number {
  const work = network.layers.reduce((sum, layer) => sum + multiplyAdds(layer, network), 0)
  return Math.max(1, Math.floor((batchSize * work) / (network.layers.length * MULTIPLY_ADDS_PER_THREAD)))
}

/** Counts the multiply-adds of a layer's forward pass for one sample; for layers without products, the values written. */
function multiplyAdds(layer: Layer, { values, parameters }: Network): number {
  const { height, width, channels } = values[layer.output]
  if (layer.kind === 'conv' || layer.kind === 'depthwiseConv')
    return height * width * sizeOf(parameters[layer.filter].shape)
  return height * width * channels
}
