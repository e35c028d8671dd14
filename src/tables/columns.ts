/** A table's columns, read from the Arrow file when they are asked for, and checked then. */
import { createHash } from 'node:crypto'
import { BenchError } from '../core/errors.ts'
import type { ByteRange, ColumnEntry } from './manifest.ts'

/** Reads a part of the table's file. @throws BenchError `corrupt` where the file does not have it */
export type ReadRange = (range: ByteRange) => Uint8Array<ArrayBuffer>

export interface NumberColumn {
  readonly name: string
  /** The number in a row, or undefined where the source has none. */
  at(row: number): number | undefined
}

/** One that was read from a file. */
export interface StoredColumn extends NumberColumn {
  /** Whether each row holds its own number, as the index of a complete table does. */
  countsRows(): boolean
}

export interface TextColumn {
  readonly name: string
  at(row: number): string | undefined
}

const ELEMENTS = { int32: Int32Array, float32: Float32Array, float64: Float64Array }

/** @throws BenchError `bad-input` where the column holds text, `corrupt` where it is not what the manifest says */
export function numberColumn(entry: ColumnEntry, rows: number, read: ReadRange): StoredColumn {
  const { name, type } = entry
  if (type === 'utf8') throw new BenchError('bad-input', `column "${name}" holds text, not numbers`)
  const Elements = ELEMENTS[type]
  const { values: bytes, validity } = buffersOf(entry, read)
  check(bytes.byteLength >= rows * Elements.BYTES_PER_ELEMENT, name)
  const values = new Elements(bytes.buffer, bytes.byteOffset, rows)
  const present = presence(validity, rows, name)
  return {
    name,
    at: (row) => (row >= 0 && row < rows && present(row) ? values[row] : undefined),
    countsRows: () => validity === undefined && isCount(values),
  }
}

/** 0, 1, 2, … A plain loop, since it is done before there is time to compile it. */
function isCount(values: Int32Array | Float32Array | Float64Array): boolean {
  for (let row = 0; row < values.length; row++) if (values[row] !== row) return false
  return true
}

/** @throws BenchError `bad-input` where the column holds numbers, `corrupt` where it is not what the manifest says */
export function textColumn(entry: ColumnEntry, rows: number, read: ReadRange): TextColumn {
  const { name, type } = entry
  if (type !== 'utf8') throw new BenchError('bad-input', `column "${name}" holds numbers, not text`)
  const { values, offsets: starts, validity } = buffersOf(entry, read)
  check(starts !== undefined && starts.byteLength >= (rows + 1) * 4, name)
  const offsets = new Int32Array(starts?.buffer ?? new ArrayBuffer(0), starts?.byteOffset, rows + 1)
  const bytes = Buffer.from(values.buffer, values.byteOffset, values.byteLength)
  const present = presence(validity, rows, name)
  const text = (row: number) => bytes.toString('utf8', offsets[row], offsets[row + 1])
  return { name, at: (row) => (row >= 0 && row < rows && present(row) ? text(row) : undefined) }
}

/** Arrow's validity bitmap: bit r (least significant first) is 1 where row r has a value. */
function presence(bits: Uint8Array | undefined, rows: number, name: string): (row: number) => boolean {
  if (bits === undefined) return () => true
  check(bits.byteLength >= Math.ceil(rows / 8), name)
  return (row) => ((bits[row >> 3] >> (row & 7)) & 1) === 1
}

type Buffers = Record<keyof ColumnEntry['buffers'], Uint8Array<ArrayBuffer> | undefined> & {
  readonly values: Uint8Array<ArrayBuffer>
}

/** The column's buffers, whose hash agrees with the manifest's. */
function buffersOf({ name, buffers, sha256 }: ColumnEntry, read: ReadRange): Buffers {
  const { validity, offsets, values } = buffers
  const found = {
    validity: validity && read(validity),
    offsets: offsets && read(offsets),
    values: read(values),
  }
  check(columnHash([found.validity, found.offsets, found.values]) === sha256, name)
  return found
}

/** SHA-256 of a column's buffers: validity, offsets, values. */
export function columnHash(buffers: readonly (Uint8Array | undefined)[]): string {
  const hash = createHash('sha256')
  for (const bytes of buffers) if (bytes !== undefined) hash.update(bytes)
  return hash.digest('hex')
}

function check(holds: boolean, name: string): asserts holds {
  if (!holds) throw new BenchError('corrupt', `column "${name}" is not what the table’s manifest says; import again`)
}
