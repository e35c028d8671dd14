/** Decides whether the numbers of a float32 executor agree with float64 reference numbers. */
import { expect } from 'vitest'
import { relativeError } from '../../fixtures/golden.ts'

/** Returns the relative tolerance. @param float32Deviation relative error of the reference code itself in float32 */
export const toleranceOf = (float32Deviation: number) => Math.max(1e-4, 20 * float32Deviation)

/** Expects ‖actual − expected‖ ≤ tolerance·‖expected‖; if all expected numbers are 0, ‖actual‖ ≤ tolerance. */
export function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  expect(actual.length).toBe(expected.length)
  expect(relativeError(actual, expected)).toBeLessThan(tolerance)
}

/** Returns the Euclidean norm. */
export const norm = (values: ArrayLike<number>) =>
  Math.sqrt(Array.from(values).reduce((sum: number, value) => sum + value * value, 0))
