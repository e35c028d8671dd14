import { expect, test } from 'vitest'
import { BenchError } from '../../src/core/errors.ts'

test('what a message quotes stays one line of text, whatever a damaged file holds', () => {
  const { message } = new BenchError('bad-input', 'found "a\nb\u001b[2Jc\u009b", expected grüße')
  expect(message).toBe('found "a\\u000ab\\u001b[2Jc\\u009b", expected grüße')
})
