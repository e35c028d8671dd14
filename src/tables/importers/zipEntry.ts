/**
 * Finds one uncompressed file in a zip archive that PyTorch wrote, and verifies its checksum. The file can then be read
 * in place, without unpacking an archive of gigabytes. Format: PKWARE's APPNOTE.
 */
import { readSync } from 'node:fs'
import { BenchError } from '../../core/errors.ts'
import type { FileSlice } from '../../pickle/pickleInput.ts'
import { crc32 } from '../../system/crc32.ts'
import { beyondLimit, limitOf } from '../../system/limits.ts'
import { countWork } from '../../system/workCounter.ts'

const END = 0x06054b50
const END_64 = 0x06064b50
const LOCATOR_64 = 0x07064b50
const ENTRY = 0x02014b50
const LOCAL = 0x04034b50
const STORED = 0
/**
 * Maximum distance in bytes from a zip archive's end record to the end of the file, since a comment may follow the
 * record.
 */
const LONGEST_TAIL = 22 + 0xffff
const WINDOW_BYTES = 1 << 20

/**
 * Returns the offset and length of the first file in a zip archive whose path ends with `ending`.
 * @throws BenchError `bad-input` if there is none or its checksum differs, `unsupported` if it is compressed
 */
export function storedEntry(descriptor: number, size: number, ending: string, name: string): FileSlice {
  const damaged = (what: string) => new BenchError('bad-input', `${name} is not a whole zip archive: ${what}`)
  const read = (offset: number, length: number): Buffer => {
    if (offset < 0 || offset + length > size) throw damaged('a part lies beyond its end')
    const bytes = Buffer.alloc(length)
    if (readSync(descriptor, bytes, 0, length, offset) < length) throw damaged('it became shorter')
    return bytes
  }
  const { offset, length } = directory(read, size, damaged)
  if (length > limitOf('directory-mib') * 2 ** 20)
    throw beyondLimit('directory-mib', `${name} has too long a directory`)
  const entry = findEntry(read(offset, length), ending, damaged)
  if (entry === undefined) throw new BenchError('bad-input', `${name} holds no ${ending}; it is not a PyTorch file`)
  if (entry.method !== STORED)
    throw new BenchError('unsupported', `${name}: ${ending} is compressed, which PyTorch never does`)
  const local = read(entry.offset, 30)
  if (local.readUInt32LE(0) !== LOCAL) throw damaged('a file has no head')
  const start = entry.offset + 30 + local.readUInt16LE(26) + local.readUInt16LE(28)
  if (start + entry.length > size) throw damaged(`${ending} is cut off`)
  // PyTorch writes 0 if it was told not to compute a checksum.
  if (entry.crc !== 0 && entry.crc !== checksum(read, start, entry.length)) {
    throw new BenchError('bad-input', `${name} is damaged: the checksum of ${ending} differs; fetch or save it again`)
  }
  return { descriptor, offset: start, length: entry.length }
}

function checksum(read: Read, start: number, length: number): number {
  let crc = 0
  for (let at = 0; at < length; at += WINDOW_BYTES) {
    crc = crc32(read(start + at, Math.min(WINDOW_BYTES, length - at)), crc)
    countWork()
  }
  return crc
}

type Read = (offset: number, length: number) => Buffer
type Damaged = (what: string) => BenchError

/**
 * Returns the offset and length of a zip archive's central directory, as stated by the zip64 end record if there is
 * one, else by the end record.
 */
function directory(read: Read, size: number, damaged: Damaged): { offset: number; length: number } {
  const tail = read(Math.max(0, size - LONGEST_TAIL), Math.min(size, LONGEST_TAIL))
  const at = tail.lastIndexOf(Buffer.from(Uint32Array.of(END).buffer))
  if (at === -1 || at + 22 > tail.length) throw damaged('it has no end record')
  let place = { length: tail.readUInt32LE(at + 12), offset: tail.readUInt32LE(at + 16) }
  if (at >= 20 && tail.readUInt32LE(at - 20) === LOCATOR_64) {
    const end = read(Number(tail.readBigUInt64LE(at - 12)), 56)
    if (end.readUInt32LE(0) !== END_64) throw damaged('it has no zip64 end record')
    place = { length: Number(end.readBigUInt64LE(40)), offset: Number(end.readBigUInt64LE(48)) }
  }
  return place
}

interface Entry {
  readonly method: number
  readonly crc: number
  readonly offset: number
  readonly length: number
}

function findEntry(bytes: Buffer, ending: string, damaged: Damaged): Entry | undefined {
  for (let at = 0; at + 46 <= bytes.length; ) {
    if (bytes.readUInt32LE(at) !== ENTRY) throw damaged('its directory is malformed')
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((field) => bytes.readUInt16LE(at + field))
    const path = bytes.toString('utf8', at + 46, at + 46 + nameLength)
    if (path.endsWith(ending)) return entryAt(bytes, at, at + 46 + nameLength, extraLength, damaged)
    at += 46 + nameLength + extraLength + commentLength
  }
  return undefined
}

function entryAt(bytes: Buffer, at: number, extraAt: number, extraLength: number, damaged: Damaged): Entry {
  const method = bytes.readUInt16LE(at + 10)
  const uncompressed = bytes.readUInt32LE(at + 24)
  const offset = bytes.readUInt32LE(at + 42)
  const long = wideNumbers(bytes.subarray(extraAt, extraAt + extraLength))
  // In zip64, numbers that do not fit stand in an extra field, in this order: length, compressed length, offset.
  const widths = [uncompressed, bytes.readUInt32LE(at + 20), offset].map((value) => value === 0xffffffff)
  const [length, , start] = widths.map((wide, i) =>
    wide ? long[widths.slice(0, i).filter(Boolean).length] : undefined,
  )
  const crc = bytes.readUInt32LE(at + 16)
  const entry = { method, crc, length: length ?? uncompressed, offset: start ?? offset }
  if ((widths[0] && length === undefined) || (widths[2] && start === undefined)) throw damaged('a length is missing')
  return entry
}

/**
 * Returns the 64-bit integers in the zip64 extra field (0x0001) of a zip archive's directory entry; an empty list if it
 * has no such field.
 */
function wideNumbers(extra: Buffer): number[] {
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    const field = extra.subarray(at + 4, at + 4 + extra.readUInt16LE(at + 2))
    if (extra.readUInt16LE(at) !== 1) continue
    return Array.from({ length: Math.floor(field.length / 8) }, (_, i) => Number(field.readBigUInt64LE(8 * i)))
  }
  return []
}
