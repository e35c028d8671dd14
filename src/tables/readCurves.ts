/** Reads curves: a batch at a time, whose hash is compared before it is decoded. */
import { createHash } from 'node:crypto'
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type * as Arrow from 'apache-arrow'
import { BenchError } from '../core/errors.ts'
import { loadArrow } from './arrowLibrary.ts'
import { curvesHead } from './curves.ts'
import type { CurvesBatch } from './curvesFile.ts'
import { type CurvesBlock, type CurvesEntry, isRange } from './manifest.ts'
import { manifestPath, type OpenOptions, openManifest } from './openTable.ts'

/** What was measured after each epoch of one training, on one split. */
export interface Curve {
  readonly dataset: string
  readonly split: string
  readonly epochs: number
  readonly seed: number
  /** In %, by epoch; null where it was not measured. */
  readonly accuracyPct: readonly (number | null)[]
  readonly loss: readonly (number | null)[]
  /** Null where all epochs took the time that the table has. */
  readonly seconds: readonly (number | null)[] | null
}

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
  const found = [...blocks(path, curves, holds)].flatMap(({ bytes }) => curvesIn(bytes, index))
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
export const curveBatches = (manifest: string, curves: CurvesEntry): Generator<CurvesBatch> =>
  blocks(manifest, curves, () => true)

/** Each as an Arrow stream of its own. */
function* blocks(
  manifest: string,
  { file, bytes, batches }: CurvesEntry,
  wanted: (block: CurvesBlock) => boolean,
): Generator<CurvesBatch> {
  if (!Array.isArray(batches) || !batches.every(isBlock)) {
    throw new BenchError('corrupt', `${manifest} does not say where the curves are; import the table again`)
  }
  const path = join(dirname(manifest), file)
  const descriptor = openFile(path)
  try {
    const { size } = fstatSync(descriptor)
    if (size !== bytes) {
      throw new BenchError('corrupt', `${path} has ${size} bytes, its manifest says ${bytes}; import again`)
    }
    const head = curvesHead()
    for (const block of batches.filter(wanted)) {
      yield { range: block.range, bytes: Buffer.concat([head, readBlock(descriptor, path, size, block)]) }
    }
  } finally {
    closeSync(descriptor)
  }
}

const isBlock = (block?: Partial<CurvesBlock> | null): boolean =>
  typeof block?.sha256 === 'string' && isRange(block.range) && isRange(block.bytes)

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

function curvesIn(stream: Uint8Array, index: number): Curve[] {
  const table: Arrow.Table = loadArrow().tableFromIPC(stream)
  const rows = table.toArray().filter((row) => row.index === index)
  return rows.map((row) => ({
    dataset: row.dataset,
    split: row.split,
    epochs: row.epochs,
    seed: row.seed,
    accuracyPct: [...row.accuracyPct],
    loss: [...row.loss],
    seconds: row.seconds === null ? null : [...row.seconds],
  }))
}
