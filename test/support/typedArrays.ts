/**
 * Makes `toEqual` and its like compare typed arrays by their bytes first: vitest compares them number by number, which takes
 * seconds for the images and weights of a network.
 */
import { expect } from 'vitest'

const bytesOf = (value: unknown): Buffer | undefined =>
  ArrayBuffer.isView(value) && !Buffer.isBuffer(value)
    ? Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    : undefined

expect.addEqualityTesters([
  (a: unknown, b: unknown): boolean | undefined => {
    const [one, other] = [bytesOf(a), bytesOf(b)]
    if (one === undefined || other === undefined || Object.getPrototypeOf(a) !== Object.getPrototypeOf(b))
      return undefined
    // Where bytes differ, numbers may still be equal: NaN has several forms.
    return one.equals(other) || undefined
  },
])
