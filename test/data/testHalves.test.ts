import { describe, expect, test } from 'vitest'
import { imagesHash, testHalvesOf } from '../../src/data/testHalves.ts'

const labels = Int32Array.from({ length: 40 }, (_, i) => i % 4)
const images = { count: 40, pixels: new Uint8Array(40), labels }
const testHalves = { xValid: Uint32Array.of(0, 3), xTest: Uint32Array.of(1, 2) }

describe('the halves of a test set', () => {
  test('have the classes in proportion, no image twice, and always the same ones', () => {
    const { xValid, xTest } = testHalvesOf({ test: images })
    expect(new Set([...xValid, ...xTest]).size).toBe(40)
    const perClass = (half: Uint32Array) => [0, 1, 2, 3].map((c) => [...half].filter((i) => labels[i] === c).length)
    expect([perClass(xValid), perClass(xTest)]).toEqual([Array(4).fill(5), Array(4).fill(5)])
    expect(testHalvesOf({ test: images })).toEqual({ xValid, xTest })
  })

  test('are the benchmark’s own if its file is there, which then enters the hash of the images', () => {
    expect(testHalvesOf({ test: images, testHalves })).toEqual(testHalves)
    const swapped = { xValid: testHalves.xTest, xTest: testHalves.xValid }
    const hashes = [undefined, testHalves, swapped].map((halves) =>
      imagesHash({ contentHash: 'a', testHalves: halves }),
    )
    expect(new Set(hashes).size).toBe(3)
    expect(hashes[0]).toBe('a')
  })
})
