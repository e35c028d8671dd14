/** Flat Parquet files: the same columns as a CSV file's. */
import { asyncBufferFromFile, parquetMetadataAsync, parquetRead, parquetSchema } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { BenchError } from '../../core/errors.ts'
import type { ImportContext, TableContent } from '../content.ts'
import { type Cell, FlatRows } from './flatRows.ts'
import { type Mapping, mapColumns } from './mapping.ts'
import type { SourceFile } from './sourceFile.ts'

/** @throws BenchError `bad-input` that names the row and column at fault */
export async function importParquet(file: SourceFile, mapping: Mapping, context: ImportContext): Promise<TableContent> {
  const { columns, rows: records } = await readRows(file)
  const rows = new FlatRows(mapColumns(columns, mapping, file.name), context)
  records.forEach((record, i) => {
    rows.add(record.map(cellOf), `${file.name} row ${i + 1}`)
  })
  return rows.content({ format: 'parquet', name: file.name, sha256: await file.sha256() }, mapping)
}

async function readRows({ path, name }: SourceFile): Promise<{ columns: string[]; rows: unknown[][] }> {
  try {
    const file = await asyncBufferFromFile(path)
    const metadata = await parquetMetadataAsync(file)
    const columns = parquetSchema(metadata).children.map(({ element }) => element.name)
    const rows: unknown[][] = []
    let rowStart = 0
    for (const { num_rows } of metadata.row_groups) {
      const rowEnd = rowStart + Number(num_rows)
      const values: unknown[][] = []
      // A group and a column at a time: of several that are damaged, the library would leave all but one failure unheard.
      for (const column of columns) values.push(await readColumn({ file, metadata, rowStart, rowEnd }, column))
      for (let row = 0; row < rowEnd - rowStart; row++) rows.push(values.map((column) => column[row]))
      rowStart = rowEnd
    }
    return { columns, rows }
  } catch (cause) {
    throw new BenchError('bad-input', `${name} is not a whole Parquet file: ${firstLine(cause)}`, { cause })
  }
}

type Part = Pick<Parameters<typeof parquetRead>[0], 'file' | 'metadata' | 'rowStart' | 'rowEnd'>

async function readColumn(part: Part, column: string): Promise<unknown[]> {
  let cells: unknown[] = []
  await parquetRead({
    ...part,
    columns: [column],
    compressors,
    onComplete: (rows) => {
      cells = (rows as unknown as unknown[][]).map(([cell]) => cell)
    },
  })
  return cells
}

const firstLine = (error: unknown): string => String((error as Error).message).split('\n')[0]

/** Parquet's NaN is a number that somebody computed, not one that is missing. */
function cellOf(value: unknown): Cell {
  if (value === null || value === undefined) return null
  if (typeof value === 'bigint') return Number(value)
  return typeof value === 'number' || typeof value === 'string' ? value : String(value)
}
