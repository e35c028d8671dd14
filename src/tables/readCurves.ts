/**
 * Reads training curves (values per epoch) from the file beside a table, one record batch at a time, and verifies the
 * batch's hash before decoding it. The decoder reads Arrow's columnar format without Arrow's library, which trusts
 * every count and offset in a file. Formats: https://arrow.apache.org/docs/format/Columnar.html (batches),
 * https://flatbuffers.dev/internals (their metadata).
 */
import { createHash } from 'node:crypto'
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { BenchError } from '../core/errors.ts'
import { pluralize } from '../core/plainText.ts'
import type { CurvesBlock, CurvesEntry } from './manifest.ts'
import { manifestPath, type OpenOptions, openManifest } from './openTable.ts'
import { type CurvesBatch, curvesHead } from './writeCurves.ts'

/**
 * Returns the training curves of one architecture; an empty list if the table has no row for it.
 * @throws BenchError `missing` if the table has no curves, `corrupt` if their file does not agree with the manifest
 */
export async function readCurves(table: string, index: number, options: OpenOptions = {}): Promise<Curve[]> {
  const { name, curves } = await openManifest(table, options)
  if (curves === undefined) {
    throw new BenchError('missing', `table ${name} has no per-epoch curves; import its source without --no-curves`)
  }
  const path = await manifestPath(table, options)
  const holds = ({ range: [lowest, highest] }: CurvesBlock) => lowest <= index && index <= highest
  const found = [...blocks(path, curves, holds)].flatMap(({ batch }) => curvesIn(batch, index))
  // A training that two merged tables had is in the file twice.
  const distinct = new Map(
    found.map((curve) => [`${curve.dataset}/${curve.split}/${curve.epochs}/${curve.seed}`, curve]),
  )
  return [...distinct.values()]
}

/**
 * Yields all record batches of a table's curves, still encoded, in the form that `writeCurves` takes.
 * @param manifest path of the table's manifest
 * @throws BenchError as `readCurves`
 */
export function* curveBatches(manifest: string, curves: CurvesEntry): Generator<CurvesBatch> {
  const head = curvesHead()
  for (const { range, bytes } of blocks(manifest, curves, () => true))
    yield { range, bytes: Buffer.concat([head, bytes]) }
}

interface Block extends CurvesBatch {
  readonly batch: CurveBatch
}

function* blocks(
  manifest: string,
  { file, bytes, batches }: CurvesEntry,
  wanted: (block: CurvesBlock) => boolean,
): Generator<Block> {
  const path = join(dirname(manifest), file)
  const descriptor = openFile(path)
  try {
    const { size } = fstatSync(descriptor)
    if (size !== bytes) {
      throw new BenchError(
        'corrupt',
        `${path} has ${pluralize(size, 'byte')}, its manifest says ${bytes}; import again`,
      )
    }
    for (const block of batches.filter(wanted)) {
      const message = readBlock(descriptor, path, size, block)
      yield { range: block.range, bytes: message, batch: decodeCurveBatch(message, path) }
    }
  } finally {
    closeSync(descriptor)
  }
}

function openFile(path: string): number {
  try {
    return openSync(path, 'r')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new BenchError('missing', `${path} cannot be read (${code}); import the table again`, { cause })
  }
}

function readBlock(descriptor: number, path: string, size: number, { bytes, sha256 }: CurvesBlock): Uint8Array {
  const [offset, length] = bytes
  const inside = offset + length <= size
  const block = new Uint8Array(inside ? length : 0)
  readSync(descriptor, block, 0, block.length, offset)
  if (inside && createHash('sha256').update(block).digest('hex') === sha256) return block
  throw new BenchError('corrupt', `${path} disagrees with its table's manifest; import the table again`)
}

function curvesIn(batch: CurveBatch, index: number): Curve[] {
  const rows = Array.from({ length: batch.rows }, (_, row) => row)
  return rows.filter((row) => batch.index(row) === index).map(batch.curve)
}

/** Values measured on one split of the dataset after each epoch of one training, as stored in the file of curves. */
export interface Curve {
  readonly dataset: string
  readonly split: string
  readonly epochs: number
  readonly seed: number
  /** Accuracy on the split after each epoch, in %; null for an epoch without a measurement. */
  readonly accuracyPct: readonly (number | null)[]
  readonly loss: readonly (number | null)[]
  /**
   * Seconds of each epoch; null if all epochs took equally long, so that the table's column of total seconds suffices.
   */
  readonly seconds: readonly (number | null)[] | null
}

/** A decoded Arrow record batch of training curves, with a row for each training and split. */
export interface CurveBatch {
  readonly rows: number
  /** Returns the index of the architecture to which the curve in this row belongs. */
  index(row: number): number
  curve(row: number): Curve
}

/**
 * Decodes an Arrow record batch of training curves.
 * @throws BenchError `corrupt` if a count or an offset exceeds the batch
 */
export function decodeCurveBatch(message: Uint8Array, path: string): CurveBatch {
  try {
    return decode(new DataView(message.buffer, message.byteOffset, message.byteLength))
  } catch (cause) {
    // A DataView throws a RangeError for an access beyond its end.
    if (!(cause instanceof RangeError)) throw cause
    throw new BenchError('corrupt', `${path} holds a malformed batch of curves; import the table again`, { cause })
  }
}

const RECORD_BATCH = 3
/**
 * Number of bytes before the metadata of an Arrow message: a marker of four bytes, and the length of the metadata in
 * four bytes.
 */
const PREFIX_BYTES = 8

function decode(view: DataView): CurveBatch {
  const head = new DataView(view.buffer, view.byteOffset + PREFIX_BYTES, view.getInt32(4, true))
  const body = new DataView(
    view.buffer,
    head.byteOffset + head.byteLength,
    view.byteLength - PREFIX_BYTES - head.byteLength,
  )
  const message = new FlatTable(head, head.getUint32(0, true))
  if (message.byte(1) !== RECORD_BATCH) throw new RangeError('not a record batch')
  if (message.long(3) !== body.byteLength) throw new RangeError('a batch of another length')
  const batch = message.table(2)
  const rows = batch.long(0)
  const columns = new Columns(body, rows, batch.pairs(1), batch.pairs(2))
  const index = columns.integers()
  const [dataset, split] = [columns.texts(), columns.texts()]
  const [epochs, seed] = [columns.integers(), columns.integers()]
  const [accuracyPct, loss, seconds] = [columns.lists(), columns.lists(), columns.lists()]
  columns.end()
  return {
    rows,
    index,
    curve: (row) => ({
      dataset: dataset(row),
      split: split(row),
      epochs: epochs(row),
      seed: seed(row),
      accuracyPct: accuracyPct(row) ?? [],
      loss: loss(row) ?? [],
      seconds: seconds(row),
    }),
  }
}

/** A table of FlatBuffers, the format of Arrow's metadata: fields by id, located by a list of offsets. */
class FlatTable {
  readonly #view: DataView
  readonly #at: number

  constructor(view: DataView, at: number) {
    this.#view = view
    this.#at = at
  }

  /** Returns the position in bytes of the value of a FlatBuffers field. @throws RangeError if the field is missing */
  #field(number: number): number {
    const vtable = this.#at - this.#view.getInt32(this.#at, true)
    const slot = 4 + 2 * number
    const offset = slot < this.#view.getUint16(vtable, true) ? this.#view.getUint16(vtable + slot, true) : 0
    if (offset === 0) throw new RangeError(`field ${number} is missing`)
    return this.#at + offset
  }

  byte(field: number): number {
    return this.#view.getUint8(this.#field(field))
  }

  long(field: number): number {
    return count(this.#view, this.#field(field))
  }

  table(field: number): FlatTable {
    const at = this.#field(field)
    return new FlatTable(this.#view, at + this.#view.getUint32(at, true))
  }

  /** Reads a FlatBuffers vector whose elements are pairs of 64-bit integers. */
  pairs(field: number): readonly (readonly [number, number])[] {
    const at = this.#field(field)
    const start = at + this.#view.getUint32(at, true)
    const length = this.#view.getUint32(start, true)
    if (length > MOST_PAIRS) throw new RangeError(`${length} parts`)
    return Array.from({ length }, (_, i) => {
      const pair = start + 4 + 16 * i
      return [count(this.#view, pair), count(this.#view, pair + 8)] as const
    })
  }
}

/**
 * Maximum number of field nodes or buffers in the metadata of an Arrow record batch. The eight columns of curves have
 * 11 nodes and 24 buffers.
 */
const MOST_PAIRS = 64

function count(view: DataView, at: number): number {
  const value = Number(view.getBigInt64(at, true))
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`a count of ${value}`)
  return value
}

/** Decodes the columns of an Arrow record batch in sequence. */
class Columns {
  readonly #body: DataView
  readonly #rows: number
  readonly #nodes: Iterator<readonly [number, number]>
  readonly #buffers: Iterator<readonly [number, number]>

  constructor(
    body: DataView,
    rows: number,
    nodes: readonly (readonly [number, number])[],
    buffers: readonly (readonly [number, number])[],
  ) {
    this.#body = body
    this.#rows = rows
    this.#nodes = nodes.values()
    this.#buffers = buffers.values()
  }

  integers(): (row: number) => number {
    this.#node(this.#rows)
    this.#present(this.#rows)
    const values = this.#buffer(4 * this.#rows)
    return (row) => values.getInt32(4 * row, true)
  }

  texts(): (row: number) => string {
    this.#node(this.#rows)
    this.#present(this.#rows)
    const offsets = this.#offsets()
    const { buffer, byteOffset, byteLength } = this.#buffer(offsets(this.#rows))
    const bytes = Buffer.from(buffer, byteOffset, byteLength)
    return (row) => bytes.toString('utf8', offsets(row), offsets(row + 1))
  }

  /**
   * Decodes the next column, whose values are lists of single-precision numbers. Returns a function from row to list.
   */
  lists(): (row: number) => (number | null)[] | null {
    this.#node(this.#rows)
    const isThere = this.#present(this.#rows)
    const offsets = this.#offsets()
    const length = this.#node()
    if (length < offsets(this.#rows)) throw new RangeError('a list that ends too early')
    const isKnown = this.#present(length)
    const values = this.#buffer(4 * length)
    const at = (i: number) => (isKnown(i) ? values.getFloat32(4 * i, true) : null)
    return (row) => {
      if (!isThere(row)) return null
      return Array.from({ length: offsets(row + 1) - offsets(row) }, (_, i) => at(offsets(row) + i))
    }
  }

  end(): void {
    if (!this.#nodes.next().done || !this.#buffers.next().done) throw new RangeError('more columns than expected')
  }

  /**
   * Reads the next field node of the batch's metadata and returns its number of values.
   * @throws RangeError if another number was expected
   */
  #node(expected?: number): number {
    const { value, done } = this.#nodes.next()
    if (done || (expected !== undefined && value[0] !== expected)) throw new RangeError('a column that is missing')
    return value[0]
  }

  #buffer(least: number): DataView {
    const { value, done } = this.#buffers.next()
    if (done || value[1] < least) throw new RangeError('a column that ends too early')
    return new DataView(this.#body.buffer, this.#body.byteOffset + value[0], insideOf(this.#body, value))
  }

  /**
   * Reads the next buffer, a validity bitmap: bit i, least significant first, is 1 if value i is present. If the bitmap
   * is empty, all values are present.
   */
  #present(values: number): (i: number) => boolean {
    const bits = this.#buffer(0)
    if (bits.byteLength === 0) return () => true
    if (8 * bits.byteLength < values) throw new RangeError('a column that ends too early')
    return (i) => ((bits.getUint8(i >> 3) >> (i & 7)) & 1) === 1
  }

  /**
   * Reads the next buffer, the offsets of a text or list column: where the value of each row starts, and where the last
   * one ends.
   */
  #offsets(): (row: number) => number {
    const view = this.#buffer(4 * (this.#rows + 1))
    const offsets = Int32Array.from({ length: this.#rows + 1 }, (_, row) => view.getInt32(4 * row, true))
    if (offsets.some((offset, row) => offset < (row === 0 ? 0 : offsets[row - 1])))
      throw new RangeError('rows in no order')
    return (row) => offsets[row]
  }
}

/**
 * Returns the length in bytes of a buffer of an Arrow record batch.
 * @throws RangeError if the buffer exceeds the body of the batch
 */
function insideOf(body: DataView, [offset, length]: readonly [number, number]): number {
  if (offset + length > body.byteLength) throw new RangeError('a part outside of the batch')
  return length
}
