/** Draws the random numbers of noise layers on the host, so that all executors compute the same. */
import type { Batch } from '../core/data.ts'
import type { Value } from '../core/network.ts'
import { random } from '../core/random.ts'

/**
 * Draws N(0, 1) for one noise layer and one batch. The noise depends only on the batch's random key and the layer, so
 * repeated passes over a batch, such as both sides of a difference, see the same noise. → [batch, height, width,
 * channels]
 */
export function drawNoise({ size, randomKey }: Batch, site: number, { height, width, channels }: Value): Float32Array {
  const { seed, path } = randomKey ?? { seed: 0, path: [] }
  const noise = new Float32Array(size * height * width * channels)
  random(seed, ...path, 'noise', site).fillNormal(noise)
  return noise
}
