/** Writes a table as an Arrow file with its manifest, both or neither. */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type * as Arrow from 'apache-arrow'
import { writeAllAtomically } from '../core/atomicFile.ts'
import { loadArrow } from './arrowLibrary.ts'
import type { NumbersContent, TableContent } from './content.ts'
import { type ByteRange, type ColumnEntry, formatManifest, MANIFEST_SCHEMA, type Manifest } from './manifest.ts'
import { oraclesOf } from './oracles.ts'
import type { SpaceIndex } from './spaceIndex.ts'

/** @returns the manifest that now stands in the folder, beside `NAME.arrow` */
export function writeTable(folder: string, name: string, space: SpaceIndex, content: TableContent): Manifest {
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
    columns: describe(bytes, content),
    oracles: oraclesOf(content.numbers.map((column) => column.name)),
  }
  writeAllAtomically([
    { path: join(folder, manifest.table.file), content: bytes },
    { path: join(folder, `${name}.manifest.json`), content: formatManifest(manifest) },
  ])
  return manifest
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
  if (missing === 0) return arrow.makeVector(arrow.makeData({ type, length: values.length, data: values }))
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
    const text = type.toString() === 'Utf8'
    return {
      name,
      type: type.toString().toLowerCase() as ColumnEntry['type'],
      missing: data.nullCount,
      ...seedsOf(numbers.get(name)),
      buffers: {
        ...(data.nullCount > 0 ? { validity: range(bytes, data.nullBitmap) } : {}),
        ...(text ? { offsets: range(bytes, data.valueOffsets) } : {}),
        values: range(bytes, data.values),
      },
    }
  })
}

const seedsOf = (column?: NumbersContent) => (column?.seeds === undefined ? {} : { seeds: column.seeds })

const range = (file: Uint8Array, view: Uint8Array): ByteRange => [view.byteOffset - file.byteOffset, view.byteLength]
