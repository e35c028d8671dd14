/** Reads the curves of one architecture: the one batch that holds them, whose hash is compared before it is decoded. */
import { createHash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type * as Arrow from 'apache-arrow'
import { BenchError } from '../core/errors.ts'
import { loadArrow } from './arrowLibrary.ts'
import { curvesHead } from './curves.ts'
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
  const manifest = await openManifest(table, options)
  if (manifest.curves === undefined) {
    throw new BenchError(
      'missing',
      `table ${manifest.name} has no per-epoch curves; import its source without --no-curves`,
    )
  }
  const path = await manifestPath(table, options)
  checkEntry(manifest.curves, path)
  return readFile(join(dirname(path), manifest.curves.file), manifest.curves, index)
}

function checkEntry({ batches }: Partial<CurvesEntry>, path: string): void {
  if (Array.isArray(batches) && batches.every(isBlock)) return
  throw new BenchError('corrupt', `${path} does not say where the curves are; import the table again`)
}

const isBlock = (block?: Partial<CurvesBlock> | null): boolean =>
  typeof block?.sha256 === 'string' && isRange(block.range) && isRange(block.bytes)

async function readFile(path: string, { bytes, batches }: CurvesEntry, index: number): Promise<Curve[]> {
  const holding = batches.filter(({ range: [lowest, highest] }) => lowest <= index && index <= highest)
  const file = await open(path).catch((cause) => {
    throw new BenchError('missing', `${path} cannot be read (${cause.code}); import the table again`, { cause })
  })
  try {
    const { size } = await file.stat()
    if (size !== bytes) {
      throw new BenchError('corrupt', `${path} has ${size} bytes, its manifest says ${bytes}; import again`)
    }
    const curves: Curve[] = []
    for (const block of holding) curves.push(...curvesIn(await readBlock(file, path, size, block), index))
    return curves
  } finally {
    await file.close()
  }
}

async function readBlock(
  file: FileHandle,
  path: string,
  size: number,
  { bytes, sha256 }: CurvesBlock,
): Promise<Uint8Array> {
  const [offset, length] = bytes
  const inside = offset + length <= size
  const block = new Uint8Array(inside ? length : 0)
  await file.read(block, 0, block.length, offset)
  if (inside && createHash('sha256').update(block).digest('hex') === sha256) return block
  throw new BenchError('corrupt', `${path} is not what its table's manifest says; import the table again`)
}

function curvesIn(batch: Uint8Array, index: number): Curve[] {
  const table: Arrow.Table = loadArrow().tableFromIPC(Buffer.concat([curvesHead(), batch]))
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
