import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { grouped, naturalOrder, oneLine, printable } from '../../src/core/plainText.ts'

const hostile = '\u001b]0;title\u0007\u009b31m\u202egnp.\u2066\r\n\t\u007f\u2028ü–τ'

describe('text from outside', () => {
  test('has no control characters, of terminals or of bidirectional writing, and keeps its letters', () => {
    expect(oneLine(hostile)).toBe(
      '\\u001b]0;title\\u0007\\u009b31m\\u202egnp.\\u2066\\u000d\\u000a\\u0009\\u007f\\u2028ü–τ',
    )
  })
  test('keeps line breaks and tabs where it may have lines', () =>
    expect(printable('a\n\tb\rc')).toBe('a\n\tb\\u000dc'))
  test('is the same JSON as before', () =>
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' })), (texts) => {
        const written = printable(JSON.stringify([...texts, hostile], null, 2))
        expect(JSON.parse(written)).toEqual([...texts, hostile])
        expect(written).not.toMatch(/[^\P{Cc}\n]|\p{Bidi_Control}/u)
      }),
    ))
})

test('numbers have commas between thousands of their whole part alone', () => {
  const numbers = [0, 999, 1000, 15625, 1234567, 10000, 0.05, 1234.5678, -1000, -999]
  expect(numbers.map(grouped)).toEqual([
    '0',
    '999',
    '1,000',
    '15,625',
    '1,234,567',
    '10,000',
    '0.05',
    '1,234.5678',
    '-1,000',
    '-999',
  ])
})

describe('the natural order of names', () => {
  test('goes by the numbers in them, and by letters whatever their case', () => {
    const ordered = [
      '',
      '1',
      '2',
      '10',
      'a/7/x',
      'a/07/y',
      'a/10/x',
      'A b',
      'batch',
      'batch_2',
      'batch_10',
      'Z',
      'zz',
      'é',
    ]
    expect([...ordered].reverse().sort(naturalOrder)).toEqual([
      '',
      '1',
      '2',
      '10',
      'A b',
      'a/7/x',
      'a/07/y',
      'a/10/x',
      'batch',
      'batch_2',
      'batch_10',
      'Z',
      'zz',
      'é',
    ])
  })

  test('is an order: of any two names one is first unless they are equal, and of three none is before itself', () => {
    const name = fc.string({ unit: fc.constantFrom('a', 'B', 'b', '0', '1', '9', '_', ' ', '/', 'é', '😀') })
    fc.assert(
      fc.property(name, name, name, (a, b, c) => {
        expect(Math.sign(naturalOrder(a, b))).toBe(-Math.sign(naturalOrder(b, a)) + 0)
        expect(naturalOrder(a, b) === 0).toBe(a === b)
        if (naturalOrder(a, b) < 0 && naturalOrder(b, c) < 0) expect(naturalOrder(a, c)).toBeLessThan(0)
      }),
    )
  })
})
