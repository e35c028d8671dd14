/**
 * Writes a table as an Arrow file with its manifest, which names the file. A file is not touched while a manifest names it
 * with another content: at any moment there is the old table or the new one.
 */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type * as Arrow from 'apache-arrow'
import { writeAllAtomically } from '../system/atomicFile.ts'
import { loadArrow } from './arrowLibrary.ts'
import { columnHash } from './columns.ts'
import type { NumbersContent, TableContent } from './content.ts'
import {
  type ByteRange,
  type ColumnEntry,
  type FileEntry,
  formatManifest,
  MANIFEST_SCHEMA,
  type Manifest,
  tableFileNames,
} from './manifest.ts'
import { oraclesOf } from './oracles.ts'
import type { SpaceIndex } from './spaceIndex.ts'
import type { WrittenCurves } from './writeCurves.ts'

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
  const [file, detour] = tableFileNames(name)
  const manifest: Manifest = {
    schema: MANIFEST_SCHEMA,
    name,
    space: space.name,
    architectures: space.size,
    rows: content.index.length,
    source: content.source,
    notes: content.notes,
    ...(content.recipe === undefined ? {} : { recipe: content.recipe }),
    table: { file, bytes: bytes.byteLength, sha256: hashOf(bytes) },
    ...(curves === undefined ? {} : { curves: curves.entry }),
    columns: describe(bytes, content),
    oracles: oraclesOf(content.numbers.map((column) => column.name)),
  }
  const discardCurves = placeCurves(folder, curves)
  try {
    // While the earlier manifest is in force, the file that it names keeps its content.
    if (isNamedOtherwise(folder, manifest))
      place(folder, { ...manifest, table: { ...manifest.table, file: detour } }, bytes)
    place(folder, manifest, bytes)
  } catch (error) {
    discardCurves()
    throw error
  }
  removeOthers(folder, name, manifest)
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

/** The file under the manifest's name for it, and then the manifest. */
function place(folder: string, manifest: Manifest, bytes: Uint8Array): void {
  writeAllAtomically([
    { path: join(folder, manifest.table.file), content: bytes },
    { path: join(folder, `${manifest.name}.manifest.json`), content: formatManifest(manifest) },
  ])
}

/** Whether the manifest in the folder names the same file, with another content. */
function isNamedOtherwise(folder: string, { name, table }: Manifest): boolean {
  const now = tableNamedBy(join(folder, `${name}.manifest.json`))
  return now?.file === table.file && now.sha256 !== table.sha256
}

/** Undefined where there is no manifest, or a damaged one, which is then replaced. */
function tableNamedBy(manifest: string): Partial<FileEntry> | undefined {
  try {
    return JSON.parse(readFileSync(manifest, 'utf8')).table
  } catch {
    return undefined
  }
}

/** Files of an earlier table of the name, which no manifest names any more. */
function removeOthers(folder: string, name: string, { table, curves }: Manifest): void {
  const curvesFiles = readdirSync(folder).filter(
    (file) => file.startsWith(`${name}.curves-`) && file.endsWith('.arrow'),
  )
  for (const file of [...tableFileNames(name), ...curvesFiles]) {
    if (file !== table.file && file !== curves?.file) rmSync(join(folder, file), { force: true })
  }
}

const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

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
