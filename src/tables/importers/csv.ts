/** Flat CSV files: a header, one architecture a line, empty cells where a number is missing. */
import { CsvError, parse } from 'csv-parse'
import { BenchError } from '../../core/errors.ts'
import type { ImportContext, TableContent } from '../content.ts'
import { FlatRows } from './flatRows.ts'
import { type Mapping, mapColumns } from './mapping.ts'
import type { SourceFile } from './sourceFile.ts'

/** @throws BenchError `bad-input` that names the line and column at fault */
export async function importCsv(file: SourceFile, mapping: Mapping, context: ImportContext): Promise<TableContent> {
  const parser = parse({
    bom: true,
    record_delimiter: ['\r\n', '\n', '\r'],
    skip_empty_lines: true,
    info: true,
    max_record_size: 1 << 20,
  })
  const stream = file.stream()
  stream.on('error', (error) => parser.destroy(error))
  let rows: FlatRows | undefined
  try {
    for await (const { record, info } of stream.pipe(parser) as AsyncIterable<Line>) {
      if (rows === undefined) rows = new FlatRows(mapColumns(headerOf(record, file.name), mapping, file.name), context)
      else rows.add(record, `${file.name} line ${info.lines}`)
    }
  } catch (error) {
    throw csvFailure(error, file.name)
  }
  if (rows === undefined) throw new BenchError('bad-input', `${file.name} is empty; expected a CSV file with a header`)
  return rows.content({ format: 'csv', name: file.name, sha256: await file.sha256() }, mapping)
}

interface Line {
  readonly record: string[]
  readonly info: { readonly lines: number }
}

/** Blanks around a name are not part of it. */
function headerOf(record: readonly string[], source: string): string[] {
  const header = record.map((name) => name.trim())
  const [, separator] = header.length === 1 ? (/([;\t])/.exec(header[0]) ?? []) : []
  if (separator === undefined) return header
  const found = separator === ';' ? 'semicolons' : 'tabs'
  throw new BenchError('bad-input', `${source} separates its columns by ${found}; expected commas`)
}

function csvFailure(error: unknown, name: string): unknown {
  if (error instanceof BenchError) return error
  const { message } = error as Error
  const problem = error instanceof CsvError ? 'is malformed CSV' : 'cannot be read to its end'
  return new BenchError('bad-input', `${name} ${problem}: ${message}`, { cause: error })
}
