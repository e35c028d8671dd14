/** How many threads a step can use. */
import { type Layer, type Network, sizeOf } from '../../../core/network.ts'

/**
 * Multiply-adds that a thread should have in a layer, some 40 microseconds of work. A barrier of two threads takes half
 * of one where both have a core, and hundreds where one must wait for it: with less to do, threads gain on an idle
 * machine and lose more on a busy one (docs/decisions/0005).
 */
const WORTH = 400_000

/** As many as have enough to do in a layer, on average over the layers; at least 1. */
export function usefulThreads(network: Network, batchSize: number): number {
  const work = network.layers.reduce((sum, layer) => sum + multiplyAdds(layer, network), 0)
  return Math.max(1, Math.floor((batchSize * work) / (network.layers.length * WORTH)))
}

/** Of the forward pass, for a sample; about as many as numbers are written where nothing is multiplied. */
function multiplyAdds(layer: Layer, { values, parameters }: Network): number {
  const { height, width, channels } = values[layer.output]
  if (layer.kind === 'conv' || layer.kind === 'depthwiseConv')
    return height * width * sizeOf(parameters[layer.filter].shape)
  return height * width * channels
}
