import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { integerPower, positivePower } from '../../src/core/numbers.ts'

describe('powers', () => {
  test('of whole exponents are exact where doubles are', () => {
    expect([0, 1, 2, 10, 1023].map((n) => integerPower(2, n))).toEqual([1, 2, 4, 1024, 2 ** 1023])
    expect([0, 1, 5, 22].map((n) => integerPower(10, n))).toEqual([1, 10, 1e5, 1e22])
    expect(integerPower(-3, 3)).toBe(-27)
    expect(integerPower(0, 0)).toBe(1)
  })

  test('have the bits that they have everywhere', () => {
    // As rational numbers rounded once a multiplication, in the order of repeated squaring.
    expect(integerPower(0.999, 3)).toBe(0.999 * (0.999 * 0.999))
    expect(integerPower(0.97, 7)).toBe(0.97 * (0.97 * 0.97) * (0.97 * 0.97 * (0.97 * 0.97)))
  })

  test('are within rounding of the runtime’s own', () => {
    for (const base of [0.5, 0.97, 0.999, 1.7]) {
      for (const exponent of [1, 2, 3, 50, 1000]) {
        expect(integerPower(base, exponent) / base ** exponent).toBeCloseTo(1, 11)
      }
      for (const exponent of [-0.1, 0, 0.3, 7.5]) {
        expect(positivePower(base, exponent) / base ** exponent).toBeCloseTo(1, 13)
      }
    }
  })
})

/** Powers of whole numbers that stay whole, and are exact everywhere. */
const WHOLE = [/\b2 \*\* /, /\b(kernel|imageSize) \*\* 2\b/, /OPERATIONS\.length \*\* /]

test('no number of a search or a training is a power of the runtime, which changed in Node.js 24', () => {
  const found: string[] = []
  for (const part of [
    'algorithms',
    'analysis',
    'core',
    'data',
    'engine',
    'protocols',
    'retrain',
    'runner',
    'spaces',
    'tablebuild',
    'training',
  ]) {
    const root = new URL(`../../src/${part}/`, import.meta.url).pathname
    for (const file of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
      // Statistics and drawings are for reports, to a few digits; kernels are compiled to WebAssembly or to shaders.
      if (!file.endsWith('.ts') || /statistics|kernels|drawing\.ts/.test(file)) continue
      const lines = readFileSync(join(root, file), 'utf8')
        .replace(/\/\*[\s\S]*?\*\//g, '')
        .split('\n')
      for (const line of lines.map((each) => each.replace(/\/\/.*/, ''))) {
        const isPower = /Math\.(pow|cbrt|hypot)\b| \*\* |\*\*=/.test(line)
        if (isPower && !WHOLE.some((whole) => whole.test(line))) found.push(`${part}/${file}: ${line.trim()}`)
      }
    }
  }
  expect(found).toEqual([])
})
