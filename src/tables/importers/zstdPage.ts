/**
 * Decompresses Zstandard pages of Parquet files strictly. The library alone accepts frames that are too short or too
 * long, compares no checksum, and needs seconds for some damaged pages of a few bytes.
 */
import { xxhash64 } from 'hyparquet/src/xxhash.js'
import { decompressZstd } from 'hyparquet-compressors'

const MAGIC = Buffer.from([0x28, 0xb5, 0x2f, 0xfd])
const RAW_BLOCK = 0
const RUN_BLOCK = 1
const BLOCK_HEAD_BYTES = 3
/** Descriptor byte of a frame without window and checksum that states the size of its content in four bytes. */
const SIZE_ONLY = 0b10100000
/** Content of the block that is appended to each frame, to find where the frame's own content ends. */
const END_MARK = Buffer.from('the page ends before this')

/**
 * Decompresses a frame (RFC 8878, 3.1.1), whose content must have `size` bytes. The library gets the frame's blocks
 * with another header and one more block. That header has no window, since the library would move a window of the
 * claimed size with every block. The added block shows where the content ends, which the library does not report.
 * @throws Error with the damage
 */
export function zstdContent(bytes: Uint8Array, size: number): Uint8Array {
  const { start, hasChecksum } = checkHead(bytes, size)
  const { last, end } = blocksOf(bytes, start)
  if (end + (hasChecksum ? 4 : 0) !== bytes.length)
    throw new Error('a page and its compressed content differ in length')
  const head = Buffer.alloc(MAGIC.length + 5)
  MAGIC.copy(head)
  head[MAGIC.length] = SIZE_ONLY
  head.writeUInt32LE(size + END_MARK.length, MAGIC.length + 1)
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
    throw new Error(`a page does not have the ${size} bytes that its head says`)
  const page = content.subarray(0, size)
  if (hasChecksum && viewOf(bytes).getUint32(end, true) !== Number(xxhash64(page) & 0xffffffffn)) {
    throw new Error('the checksum of a page is another')
  }
  return page
}

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** Checks the header of a frame. Returns the offset of the first block, and whether a checksum follows the blocks. */
function checkHead(bytes: Uint8Array, size: number): { readonly start: number; readonly hasChecksum: boolean } {
  if (!MAGIC.equals(bytes.subarray(0, MAGIC.length))) throw new Error('a page is not compressed by ZSTD')
  const descriptor = bytes[MAGIC.length]
  if ((descriptor & 0b11) !== 0) throw new Error('a page is compressed with a dictionary, which is not in the file')
  const isSingleSegment = (descriptor & 0b100000) !== 0
  const at = MAGIC.length + (isSingleSegment ? 1 : 2)
  const sizeBytes = descriptor >> 6 === 0 ? Number(isSingleSegment) : 1 << (descriptor >> 6)
  const start = at + sizeBytes
  if (start > bytes.length) throw new Error('a page ends too early')
  if (sizeBytes > 0 && statedSize(viewOf(bytes), at, sizeBytes) !== size) throw new Error('a page contradicts its head')
  return { start, hasChecksum: (descriptor & 0b100) !== 0 }
}

/** Reads the size of the content that a frame's header states. */
function statedSize(view: DataView, at: number, sizeBytes: number): number {
  if (sizeBytes === 1) return view.getUint8(at)
  if (sizeBytes === 2) return view.getUint16(at, true) + 256
  return sizeBytes === 4 ? view.getUint32(at, true) : Number(view.getBigUint64(at, true))
}

/** Returns the offsets of the start and the end of a frame's last block. */
function blocksOf(bytes: Uint8Array, start: number): { readonly last: number; readonly end: number } {
  for (let at = start; at + BLOCK_HEAD_BYTES <= bytes.length; ) {
    const head = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16)
    const end = at + BLOCK_HEAD_BYTES + (((head >> 1) & 3) === RUN_BLOCK ? 1 : head >> 3)
    if ((head & 1) === 1) return { last: at, end }
    at = end
  }
  throw new Error('a page ends too early')
}
