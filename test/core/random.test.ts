import { describe, expect, it } from 'vitest'
import { philox, random } from '../../src/core/random.ts'

const words = (counter: number[], key: number[]) => {
  const out = new Uint32Array(4)
  philox(counter, key, out)
  return [...out].map((word) => word.toString(16).padStart(8, '0'))
}

describe('Philox4x32-10', () => {
  // The known-answer vectors published with Random123 (kat_vectors, philox4x32 10).
  it('gives the published answer for a counter and key of zeros', () => {
    expect(words([0, 0, 0, 0], [0, 0])).toEqual(['6627e8d5', 'e169c58d', 'bc57ac4c', '9b00dbd8'])
  })

  it('gives the published answer for all bits set', () => {
    const ones = 0xffffffff
    expect(words([ones, ones, ones, ones], [ones, ones])).toEqual(['408f276d', '41c83b0e', 'a20bc7c6', '6d5451fd'])
  })

  it('gives the published answer for the digits of π', () => {
    expect(words([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0])).toEqual([
      'd16cfe09',
      '94fdcceb',
      '5001e420',
      '24126ea1',
    ])
  })
})

describe('a random stream', () => {
  const draw = (stream = random(7, 'alpha'), n = 9) => Array.from({ length: n }, () => stream.uint32())

  it('is the same for the same seed and path', () => {
    expect(draw()).toEqual(draw())
  })

  it('differs where the seed or any part of the path differs', () => {
    const streams = [
      random(7, 'alpha'),
      random(8, 'alpha'),
      random(7, 'beta'),
      random(7, 'alpha', 0),
      random(7, 'alpha', 1),
    ]
    const firsts = streams.map((stream) => stream.uint32())
    expect(new Set(firsts).size).toBe(streams.length)
  })

  it.each([0, 1, 3, 4, 5, 8])('goes on with the same numbers after its position %i is restored', (drawn) => {
    const stream = random(1, 'x')
    draw(stream, drawn)
    const resumed = random(1, 'x')
    resumed.position = stream.position
    expect(draw(resumed)).toEqual(draw(stream))
  })

  it('draws uniform numbers of mean 1/2 and variance 1/12', () => {
    const stream = random(3, 'uniform')
    const values = Array.from({ length: 40_000 }, () => stream.uniform())
    const { mean, variance } = moments(values)
    expect(mean).toBeCloseTo(1 / 2, 2)
    expect(variance).toBeCloseTo(1 / 12, 3)
    expect(Math.min(...values)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...values)).toBeLessThan(1)
  })

  it('fills with normal numbers of mean 0, variance 1 and kurtosis 3, uncorrelated', () => {
    const values = new Float32Array(60_001)
    random(3, 'fill').fillNormal(values)
    const moment = (k: number) => values.reduce((sum, value) => sum + value ** k, 0) / values.length
    expect(moment(1)).toBeCloseTo(0, 1)
    expect(Math.abs(moment(2) - 1)).toBeLessThan(0.02)
    expect(Math.abs(moment(4) - 3)).toBeLessThan(0.12)
    for (const lag of [1, 2, 3]) {
      const products = values.slice(lag).reduce((sum, value, i) => sum + value * values[i], 0)
      expect(Math.abs(products / values.length)).toBeLessThan(0.02)
    }
  })

  it('fills from whole blocks on, so that a prefix is a prefix', () => {
    const [long, short] = [new Float32Array(11), new Float32Array(6)]
    const [one, other] = [random(3, 'fill'), random(3, 'fill')]
    one.uint32()
    one.fillNormal(long)
    other.position = 4
    other.fillNormal(short)
    expect([...short]).toEqual([...long.slice(0, 6)])
    expect([one.position, other.position]).toEqual([16, 12])
  })

  it('draws normal numbers of mean 0, variance 1 and kurtosis 3', () => {
    const stream = random(3, 'normal')
    const values = Array.from({ length: 60_000 }, () => stream.normal())
    const { mean, variance } = moments(values)
    expect(mean).toBeCloseTo(0, 1)
    expect(variance).toBeCloseTo(1, 1)
    expect(values.reduce((sum, x) => sum + x ** 4, 0) / values.length).toBeCloseTo(3, 0)
  })

  it('draws every integer below n about equally often', () => {
    const stream = random(3, 'integer')
    const counts = [0, 0, 0, 0, 0]
    for (let i = 0; i < 20_000; i++) counts[stream.integer(5)]++
    for (const count of counts) expect(Math.abs(count - 4000)).toBeLessThan(240)
  })

  it.each([1, 2, 3, 5, 6, 1000, 65_537, 0x7fffffff, 0x80000001, 0xc0000001, 0xffffffff, 0x100000000])(
    'draws below %i the remainders of its words that leave no remainder overrepresented',
    (n) => {
      const [stream, words] = [random(4, 'remainders'), random(4, 'remainders')]
      const limit = 2n ** 32n - (2n ** 32n % BigInt(n))
      const expected = () => {
        for (;;) {
          const word = BigInt(words.uint32())
          if (word < limit) return Number(word % BigInt(n))
        }
      }
      for (let i = 0; i < 2000; i++) expect(stream.integer(n)).toBe(expected())
      expect(stream.position).toBe(words.position)
    },
  )

  it.each([0, -1, 0.5, 2.5, Number.NaN, 0x100000001, Number.POSITIVE_INFINITY])('draws nothing below %d', (n) => {
    expect(() => random(4, 'none').integer(n)).toThrow(`nothing can be drawn from ${n} values; from 1 to 2³² can`)
  })

  it('permutes: every number once, in another order', () => {
    const order = [...random(3, 'permutation').permutation(100)]
    expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i))
    expect(order).not.toEqual([...order].sort((a, b) => a - b))
  })
})

function moments(values: readonly number[]): { mean: number; variance: number } {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length
  const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length
  return { mean, variance }
}
