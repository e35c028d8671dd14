/**
 * Writes training curves (values per epoch) to an Arrow file beside the table, with a row for each training and split.
 * Each record batch has the curves of architectures with neighbouring indices. One batch at a time is in memory.
 */
import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import type * as Arrow from 'apache-arrow'
import type { RecordBatch } from 'apache-arrow'
import { makeFolder, writeFailure } from '../system/atomicFile.ts'
import { removeAbandonedBeside, temporaryPath } from '../system/temporaryFile.ts'
import { loadArrow } from './arrowLibrary.ts'
import type { ArchitectureRuns, SplitCurves, TrainingRun } from './importers/trainingRuns.ts'
import type { ByteRange, CurvesBlock, CurvesEntry } from './manifest.ts'

interface CurveRow {
  readonly index: number
  readonly run: TrainingRun
  readonly curves: SplitCurves
}

/**
 * Encodes the training curves of several architectures as an Arrow stream with one record batch. Splits with only a
 * value after the last epoch are left out.
 */
export function encodeCurves(architectures: readonly ArchitectureRuns[]): Uint8Array {
  const rows = architectures.flatMap(({ index, runs }) =>
    runs.flatMap((run) => run.splits.filter(isCurve).map((curves): CurveRow => ({ index, run, curves }))),
  )
  const arrow = loadArrow()
  const int32 = (of: (row: CurveRow) => number) => arrow.makeVector(Int32Array.from(rows, of))
  const utf8 = (of: (row: CurveRow) => string) => arrow.vectorFromArray(rows.map(of), new arrow.Utf8())
  const table = new arrow.Table({
    index: int32(({ index }) => index),
    dataset: utf8(({ run }) => run.dataset),
    split: utf8(({ curves }) => curves.split),
    epochs: int32(({ run }) => run.epochs),
    seed: int32(({ run }) => run.seed),
    accuracyPct: lists(
      arrow,
      rows.map(({ curves }) => curves.accuracyPct),
    ),
    loss: lists(
      arrow,
      rows.map(({ curves }) => curves.loss),
    ),
    seconds: lists(
      arrow,
      rows.map(({ curves }) => (isConstant(curves.seconds) ? null : curves.seconds)),
    ),
  })
  return arrow.tableToIPC(table, 'stream')
}

/**
 * Returns the beginning of an Arrow stream of curves: the message with the schema, which is the same in all of them.
 */
export function curvesHead(): Uint8Array {
  const stream = Buffer.from(encodeCurves([]))
  const prefix = 8 // a marker, and the length of what follows (Arrow's encapsulated message format)
  return stream.subarray(0, prefix + stream.readInt32LE(prefix / 2))
}

const isCurve = ({ accuracyPct }: SplitCurves): boolean =>
  accuracyPct.reduce((known, value) => known + (Number.isNaN(value) ? 0 : 1), 0) > 1 || accuracyPct.length === 1

const isConstant = (values: Float64Array): boolean =>
  values.every((value) => Object.is(value, values[0]) || value === values[0])

/**
 * Returns an Arrow column whose values are lists of single-precision numbers (the precision of the published records).
 * NaN becomes null.
 */
function lists(arrow: typeof Arrow, rows: readonly (Float64Array | null)[]): Arrow.Vector {
  const valueOffsets = new Int32Array(rows.length + 1)
  rows.forEach((row, i) => {
    valueOffsets[i + 1] = valueOffsets[i] + (row?.length ?? 0)
  })
  const values = new Float32Array(valueOffsets[rows.length])
  rows.forEach((row, i) => {
    if (row !== null) values.set(row, valueOffsets[i])
  })
  const item = new arrow.Field('item', new arrow.Float32(), true)
  const child = arrow.makeData({
    type: item.type,
    length: values.length,
    data: values,
    ...validity(values.length, (i) => !Number.isNaN(values[i])),
  })
  return arrow.makeVector(
    arrow.makeData({
      type: new arrow.List(item),
      length: rows.length,
      valueOffsets,
      child,
      ...validity(rows.length, (i) => rows[i] !== null),
    }),
  )
}

function validity(length: number, present: (i: number) => boolean): { nullCount: number; nullBitmap?: Uint8Array } {
  const nullBitmap = new Uint8Array(Math.ceil(length / 8))
  let nullCount = 0
  for (let i = 0; i < length; i++) {
    if (present(i)) nullBitmap[i >> 3] |= 1 << (i & 7)
    else nullCount++
  }
  return nullCount === 0 ? { nullCount } : { nullCount, nullBitmap }
}

/**
 * A record batch of training curves in the encoding of `encodeCurves`, with the lowest and highest index of its
 * architectures.
 */
export interface CurvesBatch {
  readonly range: readonly [lowest: number, highest: number]
  readonly bytes: Uint8Array
}

/** A completely written file of training curves, which gets its final name when the table is written. */
export interface WrittenCurves {
  readonly entry: CurvesEntry
  readonly temporary: string
}

/** If more than this many bytes are queued for writing to the disk, the next batch of curves has to wait. */
const MOST_QUEUED_BYTES = 1 << 25

/**
 * Writes training curves to a temporary file, which will be renamed to `NAME.curves-HASH.arrow`. Because of the hash in
 * its name, it does not replace the curves of an earlier table of the same name before the new manifest is written.
 * Returns undefined if the batches have no curves.
 */
export async function writeCurves(
  folder: string,
  name: string,
  batches: Iterable<CurvesBatch>,
): Promise<WrittenCurves | undefined> {
  const temporary = temporaryPath(join(folder, `${name}.curves`))
  try {
    makeFolder(folder)
    const written = await writeBatches(temporary, batches)
    if (written.length === 0) {
      await rm(temporary, { force: true })
      return undefined
    }
    const hashes = await hashed(temporary, written)
    const file = `${name}.curves-${hashes.sha256.slice(0, 8)}.arrow`
    const of = [...new Set(written.flatMap((batch) => batch.of))].sort()
    return { entry: { file, ...hashes, of }, temporary }
  } catch (cause) {
    await rm(temporary, { force: true })
    throw writeFailure(temporary, cause as NodeJS.ErrnoException)
  }
}

interface WrittenBatch extends Omit<CurvesBlock, 'sha256'>, Pick<CurvesEntry, 'of'> {}

async function writeBatches(path: string, batches: Iterable<CurvesBatch>): Promise<WrittenBatch[]> {
  // The library's many-module build, since its single-file build does not support Node streams.
  const arrow = await import('apache-arrow')
  class Writer extends arrow.RecordBatchFileWriter {
    /** Byte range in the file of the record batch that was written last. */
    get lastBytes(): ByteRange {
      const { offset, metaDataLength, bodyLength } = this._recordBatchBlocks[this._recordBatchBlocks.length - 1]
      return [offset, metaDataLength + bodyLength]
    }
  }
  const out = createWriteStream(path, { flush: true })
  const writer = new Writer()
  out.once('open', () => removeAbandonedBeside(path))
  const finishing = finished(out)
  finishing.catch(() => undefined)
  writer.toNodeStream().pipe(out)
  const written: WrittenBatch[] = []
  let encodedBytes = 0
  for (const { range, bytes } of batches) {
    const [batch] = arrow.tableFromIPC(bytes).batches
    if (batch === undefined || batch.numRows === 0) continue
    writer.write(batch)
    written.push({ range, bytes: writer.lastBytes, of: trainingsIn(batch) })
    encodedBytes += bytes.byteLength
    while (encodedBytes - out.bytesWritten > MOST_QUEUED_BYTES && out.errored === null) await new Promise(setImmediate)
  }
  writer.finish()
  await finishing
  return written
}

function trainingsIn(batch: RecordBatch): string[] {
  const [dataset, split, epochs] = ['dataset', 'split', 'epochs'].map((name) => batch.getChild(name))
  const rows = Array.from({ length: batch.numRows }, (_, row) => row)
  return [...new Set(rows.map((row) => `${dataset?.get(row)}/${split?.get(row)}/${epochs?.get(row)}`))]
}

/** Reads the written file of curves once, and returns the SHA-256 of the whole file and of each record batch. */
async function hashed(path: string, batches: readonly WrittenBatch[]): Promise<Omit<CurvesEntry, 'file' | 'of'>> {
  const whole = createHash('sha256')
  const file = await open(path)
  try {
    const { size } = await file.stat()
    const read = async (start: number, end: number): Promise<Buffer> => {
      const { buffer } = await file.read(Buffer.alloc(end - start), 0, end - start, start)
      whole.update(buffer)
      return buffer
    }
    let at = 0
    const blocks: CurvesBlock[] = []
    for (const { range, bytes } of batches) {
      const [offset, length] = bytes
      await read(at, offset)
      at = offset + length
      const block = createHash('sha256').update(await read(offset, at))
      blocks.push({ range, bytes, sha256: block.digest('hex') })
    }
    await read(at, size)
    return { sha256: whole.digest('hex'), bytes: size, batches: blocks }
  } finally {
    await file.close()
  }
}
