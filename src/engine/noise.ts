/** The numbers of a network's noise layers: every executor feeds these, so that all of them compute the same. */
import type { Batch } from '../core/data.ts'
import type { Value } from '../core/network.ts'
import { random } from '../core/random.ts'

/**
 * N(0, 1) for one site of one batch, a function of the batch's name and the site: repeated passes over a batch, such as
 * both sides of a difference, see the same. → [batch, height, width, channels]
 */
export function drawNoise({ size, draw }: Batch, site: number, { height, width, channels }: Value): Float32Array {
  const { seed, path } = draw ?? { seed: 0, path: [] }
  const noise = new Float32Array(size * height * width * channels)
  random(seed, ...path, 'noise', site).fillNormal(noise)
  return noise
}
