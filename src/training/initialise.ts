/** Draws the initial weights of a network from its initialisers. */
import { type Initialiser, type Network, sizeOf } from '../core/network.ts'
import type { RandomStream } from '../core/random.ts'

/**
 * Draws the initial weights of all parameters of a network, in the order that `WeightVector.write` expects: parameter
 * by parameter, each row-major.
 */
export function initialWeights(network: Network, stream: RandomStream): Float32Array {
  const parts = network.parameters.map(({ shape, initialiser }) => drawn(sizeOf(shape), initialiser, stream))
  const weights = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0))
  let start = 0
  for (const part of parts) {
    weights.set(part, start)
    start += part.length
  }
  return weights
}

function drawn(count: number, initialiser: Initialiser, stream: RandomStream): Float32Array {
  switch (initialiser.kind) {
    case 'constant':
      return new Float32Array(count).fill(initialiser.value)
    case 'uniform-fan-in': {
      const bound = 1 / Math.sqrt(initialiser.fanIn)
      return Float32Array.from({ length: count }, () => bound * (2 * stream.uniform() - 1))
    }
  }
}
