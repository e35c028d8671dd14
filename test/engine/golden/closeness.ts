/** When a figure of a float32 executor counts as equal to its float64 reference. */
import { expect } from 'vitest'
import { relativeError } from '../../fixtures/golden.ts'

/** @param float32Deviation how far the reference's own code lands from itself when run in float32 */
export const toleranceOf = (float32Deviation: number) => Math.max(1e-4, 20 * float32Deviation)

/** ‖actual − expected‖ ≤ tolerance·‖expected‖; of expected zeros, the actual norm is bounded. */
export function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  expect(actual.length).toBe(expected.length)
  expect(relativeError(actual, expected)).toBeLessThan(tolerance)
}

export const norm = (values: ArrayLike<number>) =>
  Math.sqrt(Array.from(values).reduce((sum: number, value) => sum + value * value, 0))
