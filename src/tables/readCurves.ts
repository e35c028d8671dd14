/** Reads curves: a batch at a time, whose hash is compared before it is decoded. */
import { createHash } from 'node:crypto'
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { BenchError } from '../core/errors.ts'
import { type Curve, type CurveBatch, decodeCurveBatch } from './curveBatch.ts'
import { curvesHead } from './curves.ts'
import type { CurvesBatch } from './curvesFile.ts'
import type { CurvesBlock, CurvesEntry } from './manifest.ts'
import { manifestPath, type OpenOptions, openManifest } from './openTable.ts'

export type { Curve } from './curveBatch.ts'

/**
 * The curves of one architecture; none where it has no row.
 * @throws BenchError `missing` where the table has no curves, `corrupt` where their file is not the manifest's
 */
export async function readCurves(table: string, index: number, options: OpenOptions = {}): Promise<Curve[]> {
  const { name, curves } = await openManifest(table, options)
  if (curves === undefined) {
    throw new BenchError('missing', `table ${name} has no per-epoch curves; import its source without --no-curves`)
  }
  const path = await manifestPath(table, options)
  const holds = ({ range: [lowest, highest] }: CurvesBlock) => lowest <= index && index <= highest
  const found = [...blocks(path, curves, holds)].flatMap(({ batch }) => curvesIn(batch, index))
  // A training that two merged tables had stands there twice.
  const distinct = new Map(
    found.map((curve) => [`${curve.dataset}/${curve.split}/${curve.epochs}/${curve.seed}`, curve]),
  )
  return [...distinct.values()]
}

/**
 * All batches of a table's curves, as they are written.
 * @param manifest path of the table's
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
      throw new BenchError('corrupt', `${path} has ${size} bytes, its manifest says ${bytes}; import again`)
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
  throw new BenchError('corrupt', `${path} is not what its table's manifest says; import the table again`)
}

function curvesIn(batch: CurveBatch, index: number): Curve[] {
  const rows = Array.from({ length: batch.rows }, (_, row) => row)
  return rows.filter((row) => batch.index(row) === index).map(batch.curve)
}
