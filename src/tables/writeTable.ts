/**
 * Writes a lookup table: an Arrow file, and a manifest with the file's name and hash. The Arrow file that the current
 * manifest names is never overwritten, so that at any moment either the old or the new table can be opened.
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
 * Writes a lookup table to the folder, and replaces an earlier table of the same name.
 * @param curves the table's per-epoch curves, already written to a temporary file in the folder
 * @returns the manifest of the written table
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
    // Write under the second name first, since the earlier manifest still names the first file.
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

/**
 * Renames the table's file of curves to its final name. Returns a function that undoes the renaming if the manifest
 * cannot be written.
 */
function placeCurves(folder: string, curves?: WrittenCurves): () => void {
  if (curves === undefined) return () => {}
  const path = join(folder, curves.entry.file)
  const isNew = !existsSync(path)
  renameSync(curves.temporary, path)
  return () => {
    // A file that existed before has the same hash and belongs to the earlier table.
    if (isNew) rmSync(path, { force: true })
  }
}

/** Writes a table's Arrow file under the name that its manifest states, and then the manifest. */
function place(folder: string, manifest: Manifest, bytes: Uint8Array): void {
  writeAllAtomically([
    { path: join(folder, manifest.table.file), content: bytes },
    { path: join(folder, `${manifest.name}.manifest.json`), content: formatManifest(manifest) },
  ])
}

/**
 * Returns whether the manifest that is already in the folder names a table file of the same name but with other
 * content.
 */
function isNamedOtherwise(folder: string, { name, table }: Manifest): boolean {
  const now = tableNamedBy(join(folder, `${name}.manifest.json`))
  return now?.file === table.file && now.sha256 !== table.sha256
}

/**
 * Returns name, size and hash of the table file that a manifest names; undefined if the manifest is missing or damaged.
 */
function tableNamedBy(manifest: string): Partial<FileEntry> | undefined {
  try {
    return JSON.parse(readFileSync(manifest, 'utf8')).table
  } catch {
    return undefined
  }
}

/** Deletes the files of an earlier table of the same name, which the new manifest no longer names. */
function removeOthers(folder: string, name: string, { table, curves }: Manifest): void {
  const curvesFiles = readdirSync(folder).filter(
    (file) => file.startsWith(`${name}.curves-`) && file.endsWith('.arrow'),
  )
  for (const file of [...tableFileNames(name), ...curvesFiles]) {
    if (file !== table.file && file !== curves?.file) rmSync(join(folder, file), { force: true })
  }
}

const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/**
 * Encodes a table as an Arrow file. Its columns are the architecture indices, the architecture strings, the text
 * columns and the numeric columns. All rows are in one record batch, so that each column is contiguous.
 */
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

/** Returns a numeric Arrow column in which NaN becomes null. */
function nullable(arrow: typeof Arrow, values: Float64Array): Arrow.Vector<Arrow.Float64> {
  const type = new arrow.Float64()
  const missing = countMissing(values)
  // A copy, since the library writes arrays that share memory only once.
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

/** Returns the position and hash of each column's buffers in an encoded Arrow file, for the manifest. */
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
