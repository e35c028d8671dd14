import { expect, test } from 'vitest'
import { crc32, crc32ByTable } from '../../src/system/crc32.ts'

test.each([
  ['the runtime’s', crc32],
  ['our own', crc32ByTable],
])('%s checksum of "123456789" is the published one', (_, of) => {
  const bytes = Buffer.from('123456789')
  expect(of(bytes)).toBe(0xcbf43926)
  expect(of(bytes.subarray(4), of(bytes.subarray(0, 4)))).toBe(0xcbf43926)
  expect(of(new Uint8Array(0))).toBe(0)
})
