/** Imports a table from a Parquet file, which has the same columns as a CSV file and one row per architecture. */
import { type FileHandle, open } from 'node:fs/promises'
import { type AsyncBuffer, type FileMetaData, parquetMetadata, parquetRead, parquetSchema } from 'hyparquet'
import { BenchError } from '../../core/errors.ts'
import { firstLine } from '../../core/plainText.ts'
import { beyondLimit, checkLimit, limitOf } from '../../system/limits.ts'
import { countWork } from '../../system/workCounter.ts'
import type { ImportContext, TableContent } from '../content.ts'
import { type Cell, FlatRows } from './flatRows.ts'
import { type Mapping, mapColumns } from './mapping.ts'
import { checkPages, compressors } from './parquetPages.ts'
import type { Source } from './sourceFile.ts'
import { readThrift } from './thrift.ts'

/**
 * Returns the content of a table, read from a Parquet file.
 * @throws BenchError `bad-input` that names the faulty row and column
 */
export async function importParquet(file: Source, mapping: Mapping, context: ImportContext): Promise<TableContent> {
  const handle = await open(file.path)
  try {
    const rows = await readRows(handle, file.name, mapping, context)
    return rows.content({ format: 'parquet', name: file.name, sha256: await file.sha256() }, mapping)
  } catch (cause) {
    if (cause instanceof BenchError) throw cause
    throw new BenchError(
      'bad-input',
      `${file.name} is not a whole Parquet file: ${firstLine(String((cause as Error).message))}`,
      { cause },
    )
  } finally {
    await handle.close()
  }
}

async function readRows(handle: FileHandle, name: string, mapping: Mapping, context: ImportContext): Promise<FlatRows> {
  const file = await bufferOf(handle)
  const metadata = await readMetadata(file, name)
  const header = parquetSchema(metadata).children.map(({ element }) => element.name)
  checkLimit('source-columns', header.length, name)
  const columns = mapColumns(header, mapping, name)
  const rows = new FlatRows(columns, name, 'row', context)
  const wanted = columns.map(({ role }, at) => (role.kind === 'ignored' ? undefined : header[at]))
  let rowStart = 0
  for (const [group, { num_rows }] of metadata.row_groups.entries()) {
    const rowEnd = rowStart + Number(num_rows)
    checkLimit('source-rows', rowEnd, name)
    const part = { file, metadata, rowStart, rowEnd }
    const values: (unknown[] | undefined)[] = []
    // One column at a time: if several are damaged, the library leaves all errors but one unhandled.
    for (const column of wanted) {
      values.push(column === undefined ? undefined : await readColumn(part, column, group, name))
    }
    for (let row = 0; row < rowEnd - rowStart; row++) {
      rows.add(
        values.map((cells) => cellOf(cells?.[row])),
        rowStart + row + 1,
      )
    }
    rowStart = rowEnd
  }
  return rows
}

/** Wraps an open file in the buffer interface of the Parquet library (hyparquet), which reads parts of it. */
async function bufferOf(handle: FileHandle): Promise<AsyncBuffer> {
  const { size } = await handle.stat()
  return {
    byteLength: size,
    async slice(start, end = size) {
      if (!(start >= 0 && start <= end && end <= size)) throw new Error('a part lies outside of it')
      const bytes = new Uint8Array(end - start)
      const { bytesRead } = await handle.read(bytes, 0, bytes.length, start)
      if (bytesRead < bytes.length) throw new Error('it became shorter')
      countWork()
      return bytes.buffer
    },
  }
}

/**
 * Number of bytes after the directory of a Parquet file (its list of row groups and columns): four bytes for the
 * directory's length and the four letters PAR1.
 */
const TAIL_BYTES = 8
const MAGIC = Buffer.from('PAR1').readUInt32LE()

async function readMetadata(file: AsyncBuffer, name: string): Promise<FileMetaData> {
  const size = file.byteLength
  const tail = new DataView(await file.slice(size - TAIL_BYTES, size))
  const length = tail.getUint32(0, true)
  if (tail.getUint32(4, true) !== MAGIC || length > size - TAIL_BYTES) throw new Error('it has no directory')
  if (length > limitOf('directory-mib') * 2 ** 20)
    throw beyondLimit('directory-mib', `${name} has too long a directory`)
  const bytes = new Uint8Array(await file.slice(size - TAIL_BYTES - length, size))
  readThrift(bytes, 0)
  const metadata = parquetMetadata(bytes, { geoparquet: false })
  checkSchema(metadata, name)
  const rows = metadata.row_groups.reduce((sum, { num_rows }) => sum + checkedCount(num_rows), 0)
  if (rows !== Number(metadata.num_rows)) throw new Error('its parts do not have as many rows as it says')
  return metadata
}

function checkedCount(count: bigint | number): number {
  if (Number.isSafeInteger(Number(count)) && count >= 0) return Number(count)
  throw new Error(`it has ${count} rows in a part`)
}

const DEEPEST = 16

/**
 * Checks the schema in a Parquet file's directory: a tree in depth-first order, in which each element states the number
 * of its children.
 */
function checkSchema({ schema, row_groups }: FileMetaData, name: string): void {
  const columns = schema.filter(({ type }) => type !== undefined).length
  checkLimit('source-columns', columns, name)
  const open: number[] = []
  for (const [i, element] of schema.entries()) {
    if (i > 0 && open.length === 0) throw new Error('its schema has more columns than it says')
    // The library skips malformed fields.
    if (typeof element.name !== 'string') throw new Error('a column has no name')
    if (open.length > 0) open[open.length - 1]--
    open.push(element.num_children ?? 0)
    if (open.length > DEEPEST) throw new Error(`its columns are nested more than ${DEEPEST} deep`)
    while (open.at(-1) === 0) open.pop()
  }
  if (open.length > 0) throw new Error('its schema is cut off')
  if (row_groups.some((group) => group.columns.length !== columns)) throw new Error('a part lacks columns')
}

/** One row group of a Parquet file: a block of consecutive rows. */
interface Part {
  readonly file: AsyncBuffer
  readonly metadata: FileMetaData
  readonly rowStart: number
  readonly rowEnd: number
}

/** Checks the pages of one column in one row group of a Parquet file, and returns the column's values. */
async function readColumn(part: Part, column: string, group: number, name: string): Promise<unknown[]> {
  const rows = part.rowEnd - part.rowStart
  if (rows === 0) return []
  const facts = columnFacts(part, column, group, rows)
  checkPages(new Uint8Array(await part.file.slice(...facts.range)), facts, name)
  let cells: unknown[] = []
  await parquetRead({
    ...part,
    columns: [column],
    compressors,
    onComplete: (read) => {
      cells = (read as unknown as unknown[][]).map(([cell]) => cell)
    },
  })
  if (cells.length !== rows || cells.includes(undefined)) throw new Error(`column ${column} ends too early`)
  checkStatistics(cells, part.metadata.row_groups[group], column)
  return cells
}

function columnFacts({ file, metadata }: Part, column: string, group: number, rows: number) {
  const { element, children } = parquetSchema(metadata).children.find((child) => child.element.name === column) ?? {}
  if (
    element === undefined ||
    children === undefined ||
    children.length > 0 ||
    element.repetition_type === 'REPEATED'
  ) {
    throw new Error(`column ${column} is nested; ignore it in a mapping`)
  }
  const chunks = metadata.row_groups[group].columns.filter(({ meta_data }) => meta_data?.path_in_schema[0] === column)
  const [chunk] = chunks
  const meta = chunk?.meta_data
  if (chunks.length !== 1 || meta === undefined || chunk.file_path !== undefined || meta.type !== element.type) {
    throw new Error(`column ${column} is not described as it should be`)
  }
  if (Number(meta.num_values) !== rows)
    throw new Error(`column ${column} does not have as many values as there are rows`)
  const start = Number(meta.dictionary_page_offset || meta.data_page_offset)
  const end = start + Number(meta.total_compressed_size)
  if (start > end || end > file.byteLength - TAIL_BYTES) throw new Error(`column ${column} lies outside of the file`)
  return {
    range: [start, end] as const,
    rows,
    codec: meta.codec,
    isOptional: element.repetition_type === 'OPTIONAL',
    isBoolean: element.type === 'BOOLEAN',
  }
}

/**
 * Checks a column's values against the statistics in the Parquet file's directory (minimum, maximum, number of missing
 * values). For many files no other check is possible.
 */
function checkStatistics(cells: readonly unknown[], group: FileMetaData['row_groups'][number], column: string): void {
  const { meta_data } = group.columns.find((chunk) => chunk.meta_data?.path_in_schema[0] === column) ?? {}
  const { min_value, max_value, null_count } = meta_data?.statistics ?? {}
  const present = cells.filter((cell) => cell !== null)
  if (null_count !== undefined && Number(null_count) !== cells.length - present.length) {
    throw new Error(`column ${column} lacks other values than its statistics say`)
  }
  if (!isNumber(min_value) || !isNumber(max_value) || !present.every(isNumber)) return
  const outside = present.find((cell) => cell < min_value || cell > max_value)
  if (outside === undefined) return
  throw new Error(`column ${column} has ${outside}, its statistics say ${min_value} to ${max_value}`)
}

const isNumber = (value: unknown): value is number | bigint => typeof value === 'number' || typeof value === 'bigint'

/**
 * Converts a value from the Parquet library to a table cell. NaN stays NaN and does not become a missing value, since
 * it was computed.
 */
function cellOf(value: unknown): Cell {
  if (value === null || value === undefined) return null
  if (typeof value === 'bigint') return Number(value)
  return typeof value === 'number' || typeof value === 'string' ? value : String(value)
}
