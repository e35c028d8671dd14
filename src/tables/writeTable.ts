/** Writes a table as an Arrow file with its manifest, both or neither. */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type * as Arrow from 'apache-arrow'
import { writeAllAtomically } from '../core/atomicFile.ts'
import { loadArrow } from './arrowLibrary.ts'
import { columnHash } from './columns.ts'
import type { NumbersContent, TableContent } from './content.ts'
import type { WrittenCurves } from './curvesFile.ts'
import { type ByteRange, type ColumnEntry, formatManifest, MANIFEST_SCHEMA, type Manifest } from './manifest.ts'
import { oraclesOf } from './oracles.ts'
import type { SpaceIndex } from './spaceIndex.ts'

/**
 * @param curves already written to a temporary file in the folder
 * @returns the manifest that now stands in the folder, beside `NAME.arrow`
 */
export function writeTable(
  folder: string,
  name: string,
  space: SpaceIndex,
  content: TableContent,
  curves?: WrittenCurves,
): Manifest {
  const bytes = encode(content)
  const manifest: Manifest = {
    schema: MANIFEST_SCHEMA,
    name,
    space: space.name,
    architectures: space.size,
    rows: content.index.length,
    source: content.source,
    notes: content.notes,
    ...(content.recipe === undefined ? {} : { recipe: content.recipe }),
    table: { file: `${name}.arrow`, bytes: bytes.byteLength, sha256: sha256(bytes) },
    ...(curves === undefined ? {} : { curves: curves.entry }),
    columns: describe(bytes, content),
    oracles: oraclesOf(content.numbers.map((column) => column.name)),
  }
  const discardCurves = placeCurves(folder, curves)
  try {
    writeAllAtomically([
      { path: join(folder, manifest.table.file), content: bytes },
      { path: join(folder, `${name}.manifest.json`), content: formatManifest(manifest) },
    ])
  } catch (error) {
    discardCurves()
    throw error
  }
  removeOtherCurves(folder, name, manifest.curves?.file)
  return manifest
}

/** @returns what to do where no manifest comes to name them */
function placeCurves(folder: string, curves?: WrittenCurves): () => void {
  if (curves === undefined) return () => {}
  const path = join(folder, curves.entry.file)
  const isNew = !existsSync(path)
  renameSync(curves.temporary, path)
  return () => {
    // Those of the earlier table, where the name, which is their hash, is the same.
    if (isNew) rmSync(path, { force: true })
  }
}

/** Those of an earlier table of the name, which no manifest names any more. */
function removeOtherCurves(folder: string, name: string, kept: string | undefined): void {
  const others = readdirSync(folder).filter(
    (file) => file.startsWith(`${name}.curves-`) && file.endsWith('.arrow') && file !== kept,
  )
  for (const file of others) rmSync(join(folder, file), { force: true })
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** index, arch, texts, numbers: one record batch, so that a column is one run of bytes. */
function encode({ index, arch, texts, numbers }: TableContent): Uint8Array {
  const arrow = loadArrow()
  const vectors: Record<string, Arrow.Vector> = {
    index: arrow.makeVector(index),
    arch: arrow.vectorFromArray(arch, new arrow.Utf8()),
  }
  for (const { name, values } of texts) vectors[name] = arrow.vectorFromArray(values, new arrow.Utf8())
  for (const { name, values } of numbers) vectors[name] = nullable(arrow, values)
  return arrow.tableToIPC(new arrow.Table(vectors), 'file')
}

/** NaN → null. */
function nullable(arrow: typeof Arrow, values: Float64Array): Arrow.Vector<Arrow.Float64> {
  const type = new arrow.Float64()
  const missing = countMissing(values)
  // A copy, for the library writes neighbours that lie in the same memory only once.
  if (missing === 0) return arrow.makeVector(arrow.makeData({ type, length: values.length, data: values.slice() }))
  const nullBitmap = new Uint8Array(Math.ceil(values.length / 8))
  values.forEach((value, row) => {
    if (!Number.isNaN(value)) nullBitmap[row >> 3] |= 1 << (row & 7)
  })
  const data = values.map((value) => (Number.isNaN(value) ? 0 : value))
  return arrow.makeVector(arrow.makeData({ type, length: values.length, nullCount: missing, nullBitmap, data }))
}

const countMissing = (values: Float64Array): number =>
  values.reduce((count, value) => count + (Number.isNaN(value) ? 1 : 0), 0)

/** Reads the file back and notes where each column's buffers lie. */
function describe(bytes: Uint8Array, content: TableContent): ColumnEntry[] {
  const table = loadArrow().tableFromIPC(bytes)
  const numbers = new Map(content.numbers.map((column) => [column.name, column]))
  return table.schema.fields.map(({ name, type }) => {
    const [data] = (table.getChild(name) as Arrow.Vector).data
    const validity = data.nullCount > 0 ? data.nullBitmap : undefined
    const offsets = type.toString() === 'Utf8' ? asBytes(data.valueOffsets) : undefined
    return {
      name,
      type: type.toString().toLowerCase() as ColumnEntry['type'],
      missing: data.nullCount,
      ...seedsOf(numbers.get(name)),
      sha256: columnHash([validity, offsets, asBytes(data.values)]),
      buffers: {
        ...(validity && { validity: range(bytes, validity) }),
        ...(offsets && { offsets: range(bytes, offsets) }),
        values: range(bytes, data.values),
      },
    }
  })
}

const asBytes = ({ buffer, byteOffset, byteLength }: ArrayBufferView) => new Uint8Array(buffer, byteOffset, byteLength)

const seedsOf = (column?: NumbersContent) => (column?.seeds === undefined ? {} : { seeds: column.seeds })

const range = (file: Uint8Array, view: Uint8Array): ByteRange => [view.byteOffset - file.byteOffset, view.byteLength]
