/** In which order an epoch shows its images. */
import { random } from '../../core/random.ts'

/** @returns the random order of 0 … count − 1 in each epoch; the last one asked for is kept */
export function epochOrder(seed: number, role: string, count: number): (epoch: number) => Uint32Array {
  let last: { readonly epoch: number; readonly order: Uint32Array } | undefined
  return (epoch) => {
    if (last?.epoch !== epoch) last = { epoch, order: random(seed, 'data', role, 'order', epoch).permutation(count) }
    return last.order
  }
}
