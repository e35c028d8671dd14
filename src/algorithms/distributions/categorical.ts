/** Draws from a finite distribution. */
import { requireAllFinite } from '../../core/numbers.ts'
import type { RandomStream } from '../../core/random.ts'

/** One value drawn from the probabilities, which sum to 1. @throws NotFiniteError where one is not finite */
export function categorical(probabilities: readonly number[], stream: RandomStream): number {
  requireAllFinite(probabilities, 'a probability to draw by')
  let remaining = stream.uniform()
  const drawn = probabilities.findIndex((probability) => {
    remaining -= probability
    return remaining < 0
  })
  return drawn === -1 ? probabilities.length - 1 : drawn
}
