/** A table's columns, as views of the Arrow file's bytes. */
import { BenchError } from '../core/errors.ts'
import type { ByteRange, ColumnEntry } from './manifest.ts'

/** A whole file in memory. */
export type FileBytes = Uint8Array<ArrayBuffer>

export interface NumberColumn {
  readonly name: string
  /** The number in a row, or undefined where the source has none. */
  at(row: number): number | undefined
}

export interface TextColumn {
  readonly name: string
  at(row: number): string | undefined
}

const ELEMENTS = { int32: Int32Array, float32: Float32Array, float64: Float64Array }

/** @throws BenchError `bad-input` where the column holds text, `corrupt` where it does not fit in the file */
export function numberColumn(entry: ColumnEntry, rows: number, file: FileBytes): NumberColumn {
  const { name, type, buffers } = entry
  if (type === 'utf8') throw new BenchError('bad-input', `column "${name}" holds text, not numbers`)
  const Elements = ELEMENTS[type]
  const bytes = slice(file, buffers.values, rows * Elements.BYTES_PER_ELEMENT, name)
  const values = new Elements(bytes.buffer, bytes.byteOffset, rows)
  const present = presence(entry, rows, file)
  return { name, at: (row) => (row >= 0 && row < rows && present(row) ? values[row] : undefined) }
}

/** @throws BenchError `bad-input` where the column holds numbers, `corrupt` where it does not fit in the file */
export function textColumn(entry: ColumnEntry, rows: number, file: FileBytes): TextColumn {
  const { name, type, buffers } = entry
  if (type !== 'utf8' || buffers.offsets === undefined) {
    throw new BenchError('bad-input', `column "${name}" holds numbers, not text`)
  }
  const starts = slice(file, buffers.offsets, (rows + 1) * 4, name)
  const offsets = new Int32Array(starts.buffer, starts.byteOffset, rows + 1)
  const bytes = Buffer.from(slice(file, buffers.values, offsets[rows], name))
  const present = presence(entry, rows, file)
  return {
    name,
    at: (row) =>
      row >= 0 && row < rows && present(row) ? bytes.toString('utf8', offsets[row], offsets[row + 1]) : undefined,
  }
}

/** Arrow's validity bitmap: bit r (least significant first) is 1 where row r has a value. */
function presence(entry: ColumnEntry, rows: number, file: FileBytes): (row: number) => boolean {
  if (entry.buffers.validity === undefined) return () => true
  const bits = slice(file, entry.buffers.validity, Math.ceil(rows / 8), entry.name)
  return (row) => ((bits[row >> 3] >> (row & 7)) & 1) === 1
}

function slice(file: FileBytes, [offset, length]: ByteRange, needed: number, name: string): FileBytes {
  if (length < needed || offset + length > file.byteLength || (file.byteOffset + offset) % 8 !== 0) {
    throw new BenchError('corrupt', `column "${name}": the manifest's place of it is not in the file; import again`)
  }
  return file.subarray(offset, offset + length)
}
