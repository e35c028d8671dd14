import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { oneLine, printable } from '../../src/core/plainText.ts'

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
