/**
 * Checks the pages of a Parquet column and decompresses them. The library that decodes them (hyparquet) trusts every
 * count and length, and compares no checksum. Its Zstandard decoder also accepts frames that are too short or too long,
 * and needs seconds for some damaged pages of a few bytes. Format: https://github.com/apache/parquet-format
 */

import { brotliDecompressSync, unzipSync } from 'node:zlib'
import type { CompressionCodec, Compressors } from 'hyparquet'
import { xxhash64 } from 'hyparquet/src/xxhash.js'
import { decompressZstd, compressors as library } from 'hyparquet-compressors'
import { pluralize } from '../../core/plainText.ts'
import { crc32 } from '../../system/crc32.ts'
import { beyondLimit, limitOf } from '../../system/limits.ts'
import { readThrift, type ThriftStruct } from './thrift.ts'

/** What a Parquet file's directory states about one column of a row group. */
export interface ColumnFacts {
  readonly rows: number
  readonly codec: CompressionCodec
  /** Whether the column may have missing values. If so, each of its pages states which are missing. */
  readonly isOptional: boolean
  readonly isBoolean: boolean
}

/**
 * Checks all pages of a Parquet column.
 * @throws Error that describes the damage; BenchError if a page exceeds a memory limit
 */
export function checkPages(chunk: Uint8Array, facts: ColumnFacts, file: string): void {
  const mostBytes = limitOf('parquet-page-mib') * 2 ** 20
  let values = 0
  let dictionary: number | undefined
  for (let at = 0; values < facts.rows; ) {
    const { struct, end } = readThrift(chunk, at)
    const page = pageOf(struct)
    if (page.size > mostBytes) throw beyondLimit('parquet-page-mib', `${file} has a page of ${page.size} bytes`)
    if (page.compressedSize > chunk.length - end) throw new Error('a page is longer than its column')
    const bytes = chunk.subarray(end, end + page.compressedSize)
    if (page.crc !== undefined && crc32(bytes) !== page.crc >>> 0) throw new Error('the checksum of a page differs')
    at = end + page.compressedSize
    if (page.kind === 'dictionary') dictionary = dictionarySize(page, facts, bytes)
    else {
      values += page.count
      if (values > facts.rows) throw new Error('a column has more values than rows')
      checkValues(page, facts, bytes, dictionary)
    }
  }
}

/** The header of a page of a Parquet column. */
interface Page {
  readonly kind: 'values' | 'values in version 2' | 'dictionary'
  /** Size of the page in bytes after decompression. */
  readonly size: number
  readonly compressedSize: number
  readonly crc?: number
  /** Number of values in the page, including missing ones. */
  readonly count: number
  readonly encoding: number
  readonly isCompressed: boolean
  /** For a page of version 2: number of bytes at its start that encode which values are missing. */
  readonly levelBytes: number
  readonly missing?: number
}

const PLAIN = 0
const PLAIN_DICTIONARY = 2
const RLE = 3
const DELTA = 5
const DELTA_LENGTH = 6
const DELTA_BYTES = 7
const RLE_DICTIONARY = 8

function pageOf(struct: ThriftStruct): Page {
  const [type, size, compressedSize] = [1, 2, 3].map((field) => countIn(struct, field))
  const crc = struct.get(4)
  const common = {
    size,
    compressedSize,
    ...(typeof crc === 'number' ? { crc } : {}),
    isCompressed: true,
    levelBytes: 0,
  }
  if (type === 0) {
    const head = structIn(struct, 5)
    if (countIn(head, 3) !== RLE) throw new Error('a page encodes its missing values in an unknown way')
    return { ...common, kind: 'values', count: countIn(head, 1), encoding: countIn(head, 2) }
  }
  if (type === 2) {
    const head = structIn(struct, 7)
    return { ...common, kind: 'dictionary', count: countIn(head, 1), encoding: PLAIN }
  }
  if (type !== 3) throw new Error(`a page is of unknown type ${type}`)
  const head = structIn(struct, 8)
  const [count, missing, rows, encoding, levelBytes, repetitionBytes] = [1, 2, 3, 4, 5, 6].map((n) => countIn(head, n))
  if (rows !== count || repetitionBytes !== 0) throw new Error('a page of a flat column is nested')
  if (missing > count || levelBytes > compressedSize || levelBytes > size) throw new Error('a page contradicts itself')
  const isCompressed = head.get(7) !== false
  return { ...common, kind: 'values in version 2', count, missing, encoding, levelBytes, isCompressed }
}

function countIn(struct: ThriftStruct, field: number): number {
  const value = struct.get(field)
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  throw new Error('the header of a page is malformed')
}

function structIn(struct: ThriftStruct, field: number): ThriftStruct {
  const value = struct.get(field)
  if (value instanceof Map) return value
  throw new Error('the header of a page is malformed')
}

/** Checks the dictionary page of a Parquet column, and returns the number of values in the dictionary. */
function dictionarySize({ count, size }: Page, { rows, codec }: ColumnFacts, bytes: Uint8Array): number {
  decompressed(codec, bytes, size)
  // A dictionary needs no more values than there are rows, and each value has at least one bit.
  if (count > Math.max(rows, 8 * size)) throw new Error('a dictionary has more values than its bytes can hold')
  return count
}

function checkValues(page: Page, facts: ColumnFacts, bytes: Uint8Array, dictionary: number | undefined): void {
  const { content, at, present } = page.kind === 'values' ? levels1(page, facts, bytes) : levels2(page, facts, bytes)
  if (page.encoding === PLAIN_DICTIONARY || page.encoding === RLE_DICTIONARY) {
    if (dictionary === undefined) throw new Error('a page needs a dictionary that is not there')
    if (present === 0) return
    if (at >= content.length) throw new Error('a page ends too early')
    const indices = readRuns(content, at + 1, content.length, content[at], present)
    if (indices.some((index) => index >= dictionary)) throw new Error('a page names a value that its dictionary lacks')
  } else if (page.encoding === RLE) {
    if (!facts.isBoolean) throw new Error('a page of numbers is encoded as one of booleans')
    readRuns(content, at + 4, content.length, 1, present)
  } else if ([DELTA, DELTA_LENGTH, DELTA_BYTES].includes(page.encoding)) checkDelta(content, at, present)
}

/**
 * The decompressed content of a Parquet page, the byte offset `at` of its values, and the number of values that are
 * `present`, that is, not missing.
 */
interface Values {
  readonly content: Uint8Array
  readonly at: number
  readonly present: number
}

function levels1({ count, size }: Page, { codec, isOptional }: ColumnFacts, bytes: Uint8Array): Values {
  const content = decompressed(codec, bytes, size)
  if (!isOptional) return { content, at: 0, present: count }
  if (content.length < 4) throw new Error('a page ends too early')
  const end = 4 + new DataView(content.buffer, content.byteOffset).getUint32(0, true)
  if (end > content.length) throw new Error('a page ends too early')
  return { content, at: end, present: ones(readRuns(content, 4, end, 1, count)) }
}

function levels2(page: Page, { codec, isOptional }: ColumnFacts, bytes: Uint8Array): Values {
  const { count, missing = 0, levelBytes, size, isCompressed } = page
  const present = isOptional ? ones(readRuns(bytes, 0, levelBytes, 1, count)) : count
  if (present !== count - missing) throw new Error('a page contradicts itself about missing values')
  const rest = bytes.subarray(levelBytes)
  return { content: isCompressed ? decompressed(codec, rest, size - levelBytes) : rest, at: 0, present }
}

const ones = (levels: Uint32Array): number => levels.reduce((sum, level) => sum + level, 0)

/**
 * Decodes integers in Parquet's hybrid of run-length encoding and bit packing.
 * @throws Error if a run of values is longer than the rest of its page
 */
function readRuns(bytes: Uint8Array, start: number, end: number, width: number, count: number): Uint32Array {
  if (width > 32) throw new Error('a page has values of more than 32 bits')
  const values = new Uint32Array(count)
  let at = start
  for (let seen = 0; seen < count; ) {
    const { value: head, next } = varint(bytes, at, end)
    at = next
    if (head % 2 === 0) {
      const run = head / 2
      const length = Math.ceil(width / 8)
      if (run === 0 || run > count - seen || at + length > end) throw new Error('a run is longer than its page')
      values.fill(littleEndian(bytes, at, length), seen, seen + run)
      at += length
      seen += run
    } else {
      const packed = 8 * ((head - 1) / 2)
      const needed = Math.min(packed, count - seen)
      if (packed === 0 || packed > count - seen + MOST_PADDING || at + Math.ceil((needed * width) / 8) > end) {
        throw new Error('a run is longer than its page')
      }
      for (let i = 0; i < needed; i++) values[seen + i] = bitsAt(bytes, 8 * at + i * width, width)
      at += (packed * width) / 8
      seen += needed
    }
  }
  return values
}

/**
 * Maximum number of bit-packed values that a page may have in addition to its count. Values are packed in groups of
 * eight, and some writers pad with up to 64 groups.
 */
const MOST_PADDING = 512

function varint(bytes: Uint8Array, start: number, end: number): { readonly value: number; readonly next: number } {
  let value = 0
  for (let i = 0; i < 5 && start + i < end; i++) {
    value += (bytes[start + i] & 127) * 2 ** (7 * i)
    if (bytes[start + i] < 128) return { value, next: start + i + 1 }
  }
  throw new Error('a page ends too early')
}

function littleEndian(bytes: Uint8Array, at: number, length: number): number {
  let value = 0
  for (let i = 0; i < length; i++) value += bytes[at + i] * 2 ** (8 * i)
  return value
}

function bitsAt(bytes: Uint8Array, bit: number, width: number): number {
  let value = 0
  for (let i = 0; i < width; i++) value += ((bytes[(bit + i) >> 3] >> ((bit + i) & 7)) & 1) * 2 ** i
  return value
}

const LARGEST_BLOCK = 2 ** 20

/** Checks the header of delta-encoded values in a Parquet page: block size, parts per block, number of values. */
function checkDelta(bytes: Uint8Array, start: number, present: number): void {
  const block = varint(bytes, start, bytes.length)
  const parts = varint(bytes, block.next, bytes.length)
  const count = varint(bytes, parts.next, bytes.length)
  const isBlock = block.value > 0 && block.value <= LARGEST_BLOCK && block.value % 128 === 0
  const isWhole =
    isBlock && parts.value > 0 && block.value % parts.value === 0 && (block.value / parts.value) % 32 === 0
  if (!isWhole || count.value !== present) throw new Error('a page of differences is malformed')
}

/** Decompression functions for the Parquet library, by codec. They verify checksums if the codec has them. */
export const compressors: Compressors = Object.fromEntries(
  (['SNAPPY', 'GZIP', 'BROTLI', 'LZ4', 'ZSTD', 'LZ4_RAW'] as const).map((codec) => [
    codec,
    (bytes: Uint8Array, size: number) => decompressed(codec, bytes, size),
  ]),
)

/** Decompresses a Parquet page. @throws Error if the result does not have `size` bytes, or the codec finds damage */
function decompressed(codec: CompressionCodec, bytes: Uint8Array, size: number): Uint8Array {
  const content = contentOf(codec, bytes, size)
  if (content.length !== size)
    throw new Error(`a page has ${pluralize(content.length, 'byte')}, its header says ${size}`)
  return content
}

function contentOf(codec: CompressionCodec, bytes: Uint8Array, size: number): Uint8Array {
  if (codec === 'UNCOMPRESSED') return bytes
  if (size === 0) return new Uint8Array(0)
  // Accepts gzip and zlib, which both have a checksum.
  if (codec === 'GZIP') return unzipSync(bytes, { maxOutputLength: size })
  if (codec === 'BROTLI') return brotliDecompressSync(bytes, { maxOutputLength: size })
  if (codec === 'ZSTD') return zstdContent(bytes, size)
  const decompress = library[codec]
  if (decompress === undefined) throw new Error(`pages are compressed by ${codec}, which is unknown`)
  return decompress(bytes, size)
}

const ZSTD_MAGIC = Buffer.from([0x28, 0xb5, 0x2f, 0xfd])
const RAW_BLOCK = 0
const RUN_BLOCK = 1
const BLOCK_HEAD_BYTES = 3
/**
 * Descriptor byte of a Zstandard frame without window and checksum, whose header states the content size in four bytes.
 */
const SIZE_ONLY = 0b10100000
/** Content of the block that is appended to each Zstandard frame, to find where the frame's original content ends. */
const END_MARK = Buffer.from('the page ends before this')

/**
 * Decompresses a Zstandard frame (RFC 8878, 3.1.1), whose content must have `size` bytes. The decoder gets the frame's
 * blocks with another header and one more block. The new header has no window, since the decoder would otherwise move a
 * window of the claimed size with every block. The added block shows where the content ends, which the decoder does not
 * report.
 * @throws Error that describes the damage
 */
export function zstdContent(bytes: Uint8Array, size: number): Uint8Array {
  const { start, hasChecksum } = checkHead(bytes, size)
  const { last, end } = blocksOf(bytes, start)
  if (end + (hasChecksum ? 4 : 0) !== bytes.length)
    throw new Error('a page and its compressed content differ in length')
  const head = Buffer.alloc(ZSTD_MAGIC.length + 5)
  ZSTD_MAGIC.copy(head)
  head[ZSTD_MAGIC.length] = SIZE_ONLY
  head.writeUInt32LE(size + END_MARK.length, ZSTD_MAGIC.length + 1)
  const mark = Buffer.alloc(BLOCK_HEAD_BYTES)
  mark.writeUIntLE(1 | (RAW_BLOCK << 1) | (END_MARK.length << 3), 0, BLOCK_HEAD_BYTES)
  const frame = Buffer.concat([head, bytes.subarray(start, end), mark, END_MARK])
  // Clear the flag "last block" of the frame's own last block.
  frame[head.length + last - start] &= ~1
  const content = new Uint8Array(size + END_MARK.length)
  try {
    decompressZstd(frame, content)
  } catch (error) {
    // If the frame has too much content, the mark lies outside the array.
    if (!(error instanceof RangeError)) throw error
  }
  if (END_MARK.compare(content, size) !== 0)
    throw new Error(`a page does not have the ${pluralize(size, 'byte')} that its header states`)
  const page = content.subarray(0, size)
  if (hasChecksum && viewOf(bytes).getUint32(end, true) !== Number(xxhash64(page) & 0xffffffffn)) {
    throw new Error('the checksum of a page differs')
  }
  return page
}

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/**
 * Checks the header of a Zstandard frame. Returns the offset of the first block, and whether a checksum follows the
 * blocks.
 */
function checkHead(bytes: Uint8Array, size: number): { readonly start: number; readonly hasChecksum: boolean } {
  if (!ZSTD_MAGIC.equals(bytes.subarray(0, ZSTD_MAGIC.length))) throw new Error('a page is not compressed by ZSTD')
  const descriptor = bytes[ZSTD_MAGIC.length]
  if ((descriptor & 0b11) !== 0) throw new Error('a page is compressed with a dictionary, which is not in the file')
  const isSingleSegment = (descriptor & 0b100000) !== 0
  const at = ZSTD_MAGIC.length + (isSingleSegment ? 1 : 2)
  const sizeBytes = descriptor >> 6 === 0 ? Number(isSingleSegment) : 1 << (descriptor >> 6)
  const start = at + sizeBytes
  if (start > bytes.length) throw new Error('a page ends too early')
  if (sizeBytes > 0 && statedSize(viewOf(bytes), at, sizeBytes) !== size)
    throw new Error('a page contradicts its header')
  return { start, hasChecksum: (descriptor & 0b100) !== 0 }
}

/** Returns the content size that a Zstandard frame's header states in `sizeBytes` bytes. */
function statedSize(view: DataView, at: number, sizeBytes: number): number {
  if (sizeBytes === 1) return view.getUint8(at)
  if (sizeBytes === 2) return view.getUint16(at, true) + 256
  return sizeBytes === 4 ? view.getUint32(at, true) : Number(view.getBigUint64(at, true))
}

/** Returns two byte offsets in a Zstandard frame: of its last block, and of the end of that block. */
function blocksOf(bytes: Uint8Array, start: number): { readonly last: number; readonly end: number } {
  for (let at = start; at + BLOCK_HEAD_BYTES <= bytes.length; ) {
    const head = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16)
    const end = at + BLOCK_HEAD_BYTES + (((head >> 1) & 3) === RUN_BLOCK ? 1 : head >> 3)
    if ((head & 1) === 1) return { last: at, end }
    at = end
  }
  throw new Error('a page ends too early')
}
