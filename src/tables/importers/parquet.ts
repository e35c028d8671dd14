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
  return rows.content({ format: 'parquet', name: file.name, sha256: await file.sha256() }, mapping.notes)
}

async function readRows({ path, name }: SourceFile): Promise<{ columns: string[]; rows: unknown[][] }> {
  try {
    const bytes = await asyncBufferFromFile(path)
    const metadata = await parquetMetadataAsync(bytes)
    const columns = parquetSchema(metadata).children.map(({ element }) => element.name)
    let rows: unknown[][] = []
    await parquetRead({
      file: bytes,
      metadata,
      compressors,
      onComplete: (read) => {
        rows = read as unknown as unknown[][]
      },
    })
    return { columns, rows }
  } catch (cause) {
    throw new BenchError('bad-input', `${name} is not a whole Parquet file: ${(cause as Error).message}`, { cause })
  }
}

/** Parquet's NaN is a number that somebody computed, not one that is missing. */
function cellOf(value: unknown): Cell {
  if (value === null || value === undefined) return null
  if (typeof value === 'bigint') return Number(value)
  return typeof value === 'number' || typeof value === 'string' ? value : String(value)
}
