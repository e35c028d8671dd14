/** Per-epoch curves: a second Arrow file, a row for each training and split, batches of neighbouring architectures. */
import { open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type * as Arrow from 'apache-arrow'
import { BenchError } from '../core/errors.ts'
import { loadArrow } from './arrowLibrary.ts'
import type { ArchitectureRuns, SplitCurves, TrainingRun } from './importers/trainingRuns.ts'
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

interface CurveRow {
  readonly index: number
  readonly run: TrainingRun
  readonly curves: SplitCurves
}

/** One record batch, as an Arrow stream of its own. Splits of which only the last epoch was measured have no row. */
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

const isCurve = ({ accuracyPct }: SplitCurves): boolean =>
  accuracyPct.reduce((known, value) => known + (Number.isNaN(value) ? 0 : 1), 0) > 1 || accuracyPct.length === 1

const isConstant = (values: Float64Array): boolean =>
  values.every((value) => Object.is(value, values[0]) || value === values[0])

/** Lists of single-precision numbers, which the published records' averages do not exceed; NaN → null. */
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
 * The curves of one architecture, read from the one batch that holds them.
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
  const folder = dirname(await manifestPath(table, options))
  const { file, bytes, batches } = manifest.curves
  const holding = batches.flatMap(([lowest, highest], i) => (lowest <= index && index <= highest ? [i] : []))
  return readBatches(join(folder, file), bytes, holding, index)
}

async function readBatches(path: string, bytes: number, batches: readonly number[], index: number): Promise<Curve[]> {
  const file = await open(path).catch((cause) => {
    throw new BenchError('missing', `${path} cannot be read (${cause.code}); import the table again`, { cause })
  })
  try {
    const { size } = await file.stat()
    if (size !== bytes) {
      throw new BenchError('corrupt', `${path} has ${size} bytes, its manifest says ${bytes}; import again`)
    }
    // The whole library: its one-file build knows no files of Node's.
    const { RecordBatchReader } = await import('apache-arrow')
    const reader = await RecordBatchReader.from(file)
    await reader.open()
    if (!reader.isFile()) throw new BenchError('corrupt', `${path} is not an Arrow file; import the table again`)
    const curves: Curve[] = []
    for (const at of batches) {
      const batch = await reader.readRecordBatch(at)
      if (batch !== null) curves.push(...curvesIn(batch, index))
    }
    return curves
  } finally {
    await file.close().catch(() => undefined)
  }
}

function curvesIn(batch: Arrow.RecordBatch, index: number): Curve[] {
  const rows = batch.toArray().filter((row) => row.index === index)
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
