import fc from 'fast-check'
import { expect, test } from 'vitest'
import { place, Temporary } from '../../../src/engine/plan/placement.ts'

const lifetimes = fc.array(
  fc.record({ bytes: fc.integer({ min: 1, max: 5000 }), first: fc.nat(40), length: fc.nat(15) }),
  { maxLength: 40 },
)

function buffers(spans: readonly { bytes: number; first: number; length: number }[]): Temporary[] {
  return spans.map(({ bytes, first, length }, i) => {
    const buffer = new Temporary(bytes, `buffer ${i}`)
    buffer.touch(first)
    buffer.touch(first + length)
    return buffer
  })
}

const overlap = (a: Temporary, b: Temporary) =>
  a.first <= b.last && b.first <= a.last && a.address < b.address + b.bytes && b.address < a.address + a.bytes

test('buffers that are alive at the same time never share memory', () => {
  fc.assert(
    fc.property(lifetimes, (spans) => {
      const all = buffers(spans)
      const end = place(all, 4096)
      all.forEach((buffer, i) => {
        expect(buffer.address).toBeGreaterThanOrEqual(4096)
        expect(buffer.address + buffer.bytes).toBeLessThanOrEqual(end)
        expect(all.slice(i + 1).some((other) => overlap(buffer, other))).toBe(false)
      })
    }),
  )
})

test('buffers that are alive one after the other share memory', () => {
  const all = buffers([
    { bytes: 640, first: 0, length: 1 },
    { bytes: 640, first: 2, length: 1 },
    { bytes: 640, first: 4, length: 1 },
  ])
  expect(place(all, 0)).toBe(640)
})

test('a buffer that no call touches takes no memory', () => {
  expect(place([new Temporary(1000, 'unused')], 64)).toBe(64)
})
