/** Joins record batches of curves to one file, a batch at a time. */
import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { finished, pipeline } from 'node:stream/promises'
import { writeFailure } from '../core/atomicFile.ts'
import type { CurvesEntry } from './manifest.ts'

/** A batch as `encodeCurves` gives it, and its lowest and highest index. */
export interface CurvesBatch {
  readonly range: readonly [lowest: number, highest: number]
  readonly bytes: Uint8Array
}

/** A whole file of curves that has its final name only when a table names it. */
export interface WrittenCurves {
  readonly entry: CurvesEntry
  readonly temporary: string
}

/** Beyond this, the next batch waits for the disk. */
const MOST_QUEUED_BYTES = 1 << 25

/**
 * Writes `NAME.curves-HASH.arrow`; the hash in its name keeps the curves of an earlier table of the name until a manifest
 * names the new ones. Undefined where the batches hold no curves.
 */
export async function writeCurves(
  folder: string,
  name: string,
  batches: Iterable<CurvesBatch>,
): Promise<WrittenCurves | undefined> {
  const temporary = join(folder, `${name}.curves.${process.pid}.tmp`)
  const ranges: CurvesBatch['range'][] = []
  try {
    await writeBatches(temporary, batches, ranges)
    if (ranges.length === 0) {
      await rm(temporary, { force: true })
      return undefined
    }
    const { sha256, bytes } = await hashOf(temporary)
    const file = `${name}.curves-${sha256.slice(0, 8)}.arrow`
    return { entry: { file, bytes, sha256, batches: ranges }, temporary }
  } catch (cause) {
    await rm(temporary, { force: true })
    throw writeFailure(temporary, cause as NodeJS.ErrnoException)
  }
}

async function writeBatches(
  path: string,
  batches: Iterable<CurvesBatch>,
  ranges: CurvesBatch['range'][],
): Promise<void> {
  // The whole library: its one-file build knows no streams of Node's.
  const arrow = await import('apache-arrow')
  const out = createWriteStream(path, { flush: true })
  const writer = new arrow.RecordBatchFileWriter()
  const written = finished(out)
  written.catch(() => undefined)
  writer.toNodeStream().pipe(out)
  let given = 0
  for (const { range, bytes } of batches) {
    const [batch] = arrow.tableFromIPC(bytes).batches
    if (batch === undefined || batch.numRows === 0) continue
    ranges.push(range)
    writer.write(batch)
    given += bytes.byteLength
    while (given - out.bytesWritten > MOST_QUEUED_BYTES && out.errored === null) await new Promise(setImmediate)
  }
  writer.finish()
  await written
}

async function hashOf(path: string): Promise<{ sha256: string; bytes: number }> {
  const hash = createHash('sha256')
  const file = createReadStream(path)
  await pipeline(file, hash)
  return { sha256: hash.digest('hex'), bytes: file.bytesRead }
}
