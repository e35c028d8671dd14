/** Per-epoch curves: a second Arrow file, a row for each training and split, batches of neighbouring architectures. */
import type * as Arrow from 'apache-arrow'
import { loadArrow } from './arrowLibrary.ts'
import type { ArchitectureRuns, SplitCurves, TrainingRun } from './importers/trainingRuns.ts'

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

/** What stands before a batch in an Arrow stream: the message that says what a row is. */
export function curvesHead(): Uint8Array {
  const stream = Buffer.from(encodeCurves([]))
  const prefix = 8 // a marker, and the length of what follows (Arrow's encapsulated message format)
  return stream.subarray(0, prefix + stream.readInt32LE(prefix / 2))
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
