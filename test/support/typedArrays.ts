/**
 * Makes `toEqual` and its like compare typed arrays by their bytes first: vitest compares them number by number, which takes
 * seconds for the images and weights of a network.
 */
import { expect } from 'vitest'

const bytesOf = (value: unknown): Buffer | undefined =>
  ArrayBuffer.isView(value) ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : undefined

function haveEqualBytes(a: unknown, b: unknown): true | undefined {
  const [one, other] = [bytesOf(a), bytesOf(b)]
  if (one === undefined || other === undefined || Object.getPrototypeOf(a) !== Object.getPrototypeOf(b))
    return undefined
  // Where bytes differ, numbers may still be equal: NaN has several forms.
  return one.equals(other) || undefined
}

// Vitest runs this file before each test file, and keeps what was added for all files of a process.
const ADDED = Symbol.for('nas-bench-harness.typed-array-equality')
if (!(ADDED in globalThis)) {
  expect.addEqualityTesters([haveEqualBytes])
  Object.assign(globalThis, { [ADDED]: true })
}
