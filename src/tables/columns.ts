/**
 * Opens single columns of a lookup table's Arrow file. A column is read, and its hash checked, only when it is used.
 */
import { createHash } from 'node:crypto'
import { BenchError } from '../core/errors.ts'
import type { ByteRange, ColumnEntry } from './manifest.ts'

/** Reads a byte range of a table's Arrow file. @throws BenchError `corrupt` if the file ends before the range does */
export type ReadRange = (range: ByteRange) => Uint8Array<ArrayBuffer>

/** A numeric column of a lookup table, with one value for each architecture. */
export interface NumberColumn {
  readonly name: string
  /** Returns the column's value in this row of the table; undefined if the value is missing. */
  at(row: number): number | undefined
}

/** A numeric column that was read from a table's Arrow file. */
export interface StoredColumn extends NumberColumn {
  /** Returns whether the column's values are 0, 1, 2, …, as in the index column of a complete table. */
  countsRows(): boolean
}

/** A text column of a lookup table, such as the architecture strings. */
export interface TextColumn {
  readonly name: string
  /** Returns the column's text in this row of the table; undefined if the text is missing. */
  at(row: number): string | undefined
}

const ELEMENTS = { int32: Int32Array, float32: Float32Array, float64: Float64Array }

/**
 * Opens a numeric column of a table's Arrow file.
 * @throws BenchError `bad-input` if the column contains text, `corrupt` if its bytes disagree with the manifest
 */
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

/** Returns whether the values are 0, 1, 2, … A plain loop is fastest here, since V8 has not compiled the code yet. */
function isCount(values: Int32Array | Float32Array | Float64Array): boolean {
  for (let row = 0; row < values.length; row++) if (values[row] !== row) return false
  return true
}

/**
 * Opens a text column of a table's Arrow file.
 * @throws BenchError `bad-input` if the column contains numbers, `corrupt` if its bytes disagree with the manifest
 */
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

/**
 * Returns a function that tells whether a row has a value, from Arrow's validity bitmap: bit r, least significant
 * first, is 1 if row r has a value. Without a bitmap, every row has a value.
 */
function presence(bits: Uint8Array | undefined, rows: number, name: string): (row: number) => boolean {
  if (bits === undefined) return () => true
  check(bits.byteLength >= Math.ceil(rows / 8), name)
  return (row) => ((bits[row >> 3] >> (row & 7)) & 1) === 1
}

type Buffers = Record<keyof ColumnEntry['buffers'], Uint8Array<ArrayBuffer> | undefined> & {
  readonly values: Uint8Array<ArrayBuffer>
}

/** Reads a column's Arrow buffers (validity, offsets, values), and checks them against the SHA-256 in the manifest. */
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

/** Returns the SHA-256 of a column's Arrow buffers, hashed in the order validity, offsets, values. */
export function columnHash(buffers: readonly (Uint8Array | undefined)[]): string {
  const hash = createHash('sha256')
  for (const bytes of buffers) if (bytes !== undefined) hash.update(bytes)
  return hash.digest('hex')
}

function check(holds: boolean, name: string): asserts holds {
  if (!holds) throw new BenchError('corrupt', `column "${name}" disagrees with the table’s manifest; import again`)
}
