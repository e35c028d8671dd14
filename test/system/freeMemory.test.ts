import { expect, test } from 'vitest'
import { freeMemory } from '../../src/system/freeMemory.ts'

test('garbage is freed if the heap is large, and left alone if it is not', () => {
  const used = () => process.memoryUsage().heapUsed
  let garbage: number[][] | undefined = Array.from({ length: 300 }, (_, i) =>
    Array.from({ length: 10_000 }, (_, k) => i + k / 3),
  )
  const before = used()
  garbage = undefined
  freeMemory(Number.POSITIVE_INFINITY)
  expect(used()).toBeGreaterThan(before - 5e6)
  freeMemory(0)
  expect(used()).toBeLessThan(before - 15e6)
  expect(garbage).toBeUndefined()
})
