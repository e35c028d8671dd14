/** Finding the one stored file of a zip archive, in archives made by hand from PKWARE's APPNOTE. */
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { expect, test } from 'vitest'
import { crc32 } from '../../src/system/crc32.ts'
import { storedEntry } from '../../src/tables/importers/zipEntry.ts'
import { temporaryFolder } from './temporaryFolder.ts'

const folder = temporaryFolder()
const content = Buffer.from('the object')
const WIDE = 0xffffffff

const u16 = (...values: number[]) => Buffer.from(Uint16Array.from(values).buffer)
const u32 = (...values: number[]) => Buffer.from(Uint32Array.from(values).buffer)
const u64 = (...values: number[]) => Buffer.from(BigUint64Array.from(values, BigInt).buffer)
const field = (id: number, data: Buffer) => Buffer.concat([u16(id, data.length), data])

interface Form {
  /** Which of length, compressed length and offset stand in the zip64 field. */
  readonly wide: readonly [length: boolean, compressed: boolean, offset: boolean]
  /** Other extra fields before that of zip64. */
  readonly before?: readonly Buffer[]
  readonly comment?: string
}

/** An archive with another file first, and the stored file `a/data.pkl`. */
function archive({ wide, before = [], comment = '' }: Form): Buffer {
  const crc = crc32(content)
  const local = (name: string) =>
    Buffer.concat([
      u32(0x04034b50),
      u16(20, 0, 0, 0, 0),
      u32(crc, content.length, content.length),
      u16(name.length, 4),
      Buffer.from(name),
      field(7, Buffer.alloc(0)),
      content,
    ])
  const [first, second] = [local('a/version'), local('a/data.pkl')]
  const entry = (name: string, numbers: readonly number[], isWide: readonly boolean[], fields: readonly Buffer[]) => {
    const long = numbers.filter((_, i) => isWide[i])
    const extra = Buffer.concat([...fields, ...(long.length > 0 ? [field(1, u64(...long))] : [])])
    const [length, compressed, offset] = numbers.map((value, i) => (isWide[i] ? WIDE : value))
    return Buffer.concat([
      ...[u32(0x02014b50), u16(20, 20, 0, 0, 0, 0), u32(crc, compressed, length)],
      ...[u16(name.length, extra.length, 0, 0, 0), u32(0, offset), Buffer.from(name), extra],
    ])
  }
  const numbers = (offset: number) => [content.length, content.length, offset]
  const directory = Buffer.concat([
    entry('a/version', numbers(0), [false, false, false], before),
    entry('a/data.pkl', numbers(first.length), wide, before),
  ])
  const end = Buffer.concat([
    u32(0x06054b50),
    u16(0, 0, 2, 2),
    u32(directory.length, first.length + second.length),
    u16(comment.length),
    Buffer.from(comment),
  ])
  return Buffer.concat([first, second, directory, end])
}

function found(form: Form): string {
  const path = join(folder, 'x.pth')
  const bytes = archive(form)
  writeFileSync(path, bytes)
  const descriptor = openSync(path, 'r')
  try {
    const { offset, length } = storedEntry(descriptor, bytes.length, 'data.pkl', 'x.pth')
    return readFileSync(path)
      .subarray(offset, offset + length)
      .toString()
  } finally {
    closeSync(descriptor)
  }
}

const either = [false, true]
const forms = either.flatMap((a) => either.flatMap((b) => either.map((c): Form => ({ wide: [a, b, c] }))))
const times = field(0x5455, Buffer.from([3, 1, 2, 3, 4]))
const others = [field(0x000a, Buffer.alloc(32)), times]

test.each(forms)('a file is found whichever of its numbers have 64 bits: %j', (form) => {
  expect(found(form)).toBe('the object')
  expect(found({ ...form, before: others })).toBe('the object')
  expect(found({ ...form, before: [times], comment: 'a comment of PK\u0005 letters' })).toBe('the object')
})
