/**
 * Imports a table from a CSV file with a header line, one line per architecture, and empty cells for missing values.
 * Columns are separated by commas, semicolons or tabs; with semicolons or tabs, numbers may have decimal commas.
 */
import { pipeline, Transform } from 'node:stream'
import { CsvError, parse } from 'csv-parse'
import { BenchError } from '../../core/errors.ts'
import { pluralize } from '../../core/plainText.ts'
import { beyondLimit, checkLimit, limitOf } from '../../system/limits.ts'
import { roleOf } from '../columnNames.ts'
import type { ImportContext, TableContent } from '../content.ts'
import { FlatRows } from './flatRows.ts'
import { type FlatColumn, type Mapping, mapColumns } from './mapping.ts'
import type { Source } from './sourceFile.ts'

/**
 * Returns the content of a table, read from a CSV file.
 * @throws BenchError `bad-input` that names the faulty line and column
 */
export async function importCsv(file: Source, mapping: Mapping, context: ImportContext): Promise<TableContent> {
  let rows: FlatRows | undefined
  let decimals: DecimalCommas | undefined
  try {
    const header = await headerLine(file)
    const separator = separatorOf(header, mapping)
    requireColumns(unquotedCells(header, separator), mapping, file.name)
    const parser = parse({
      bom: true,
      delimiter: separator,
      record_delimiter: ['\r\n', '\n', '\r'],
      skip_empty_lines: true,
      info: true,
      max_record_size: limitOf('csv-line-kib') * 2 ** 10,
    })
    // An error in the file reaches the loop through the pipeline.
    pipeline(file.stream(), blankLinesChecked(file.name), parser, () => {})
    for await (const { record, info } of parser as AsyncIterable<Line>) {
      if (rows === undefined) {
        const columns = mapColumns(headerOf(record, file.name), mapping, file.name)
        rows = new FlatRows(columns, file.name, 'line', context)
        if (separator !== ',') decimals = new DecimalCommas(columns, file.name)
      } else rows.add(decimals?.replacedIn(record, info.lines) ?? record, info.lines)
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

/** Returns the column names in a CSV file's header, with surrounding blanks removed. */
function headerOf(record: readonly string[], source: string): string[] {
  checkLimit('source-columns', record.length, source)
  return record.map((name) => name.trim())
}

/** Returns the header of a CSV file: its first line that is not blank. */
async function headerLine(file: Source): Promise<string> {
  let text = ''
  for await (const chunk of file.stream()) {
    text = (text + (chunk as Buffer).toString('utf8')).replace(/^[\r\n]+/, '')
    const end = text.search(/[\r\n]/)
    if (end !== -1) return text.slice(0, end)
    if (text.length > limitOf('csv-line-kib') * 2 ** 10) throw tooLongLine(file.name)
  }
  return text
}

const SEPARATORS = [',', ';', '\t'] as const

/**
 * Returns the character that separates the columns of a CSV file: the one for which the header contains the column of
 * architectures, else the one that gives the most columns.
 */
function separatorOf(header: string, { arch = 'arch', columns }: Mapping): string {
  const archNames = new Set([arch, ...Object.keys(columns).filter((name) => columns[name] === 'arch')])
  const cells = SEPARATORS.map((separator) => ({ separator, names: unquotedCells(header, separator) }))
  const found = cells.find(({ names }) => names.length > 1 && names.some((name) => archNames.has(name)))
  const most = cells.reduce((best, other) => (other.names.length > best.names.length ? other : best))
  return (found ?? most).separator
}

/** Throws for a first line that is no header: text without a separator. @throws BenchError `bad-input` */
function requireColumns([first, ...others]: readonly string[], { index, arch, columns }: Mapping, name: string): void {
  const isMapped = [index, arch, ...Object.keys(columns)].includes(first)
  if (others.length > 0 || first === '' || isMapped || roleOf(first) !== undefined) return
  const found = first.length > 60 ? `${first.slice(0, 59)}…` : first
  const expected = 'expected a CSV file with a header such as "index,arch,params-M"'
  throw new BenchError('bad-input', `${name} is no table: its first line is "${found}"; ${expected}`)
}

/** Splits a CSV line at the separators outside of quotes. */
function unquotedCells(line: string, separator: string): string[] {
  const cells = ['']
  let isQuoted = false
  for (const character of line.replace(/^\ufeff/, '')) {
    if (character === '"') isQuoted = !isQuoted
    else if (character === separator && !isQuoted) cells.push('')
    else cells[cells.length - 1] += character
  }
  return cells.map((cell) => cell.trim())
}

/**
 * Returns a stream that passes on the text of a CSV file, and fails if it has more blank lines in succession than the
 * limit `csv-blank-lines` allows.
 */
function blankLinesChecked(name: string): Transform {
  const most = limitOf('csv-blank-lines')
  let blank = 0
  return new Transform({
    transform(chunk: Buffer, _, done) {
      for (const byte of chunk) {
        if (byte === NEWLINE || byte === RETURN) blank++
        else blank = 0
        if (blank > most)
          return done(beyondLimit('csv-blank-lines', `${name} has more than ${most} blank lines in a row`))
      }
      done(null, chunk)
    },
  })
}

const NEWLINE = 10
const RETURN = 13

/** Replaces decimal commas in the cells of a CSV file by points, and throws if the file has numbers of both kinds. */
class DecimalCommas {
  readonly #numbers: readonly number[]
  readonly #source: string
  /** The first number of the CSV file with a decimal comma, and its line, for error messages. */
  #comma: string | undefined
  /** The first number of the CSV file with a decimal point, and its line, for error messages. */
  #point: string | undefined

  constructor(columns: readonly FlatColumn[], source: string) {
    this.#numbers = columns.flatMap(({ role }, at) => (role.kind === 'number' ? [at] : []))
    this.#source = source
  }

  /**
   * Returns the cells of a CSV line, with decimal commas replaced by points.
   * @throws BenchError `bad-input` if the file has numbers with commas and numbers with points
   */
  replacedIn(cells: readonly string[], line: number): readonly string[] {
    const replaced = [...cells]
    for (const at of this.#numbers) {
      if (COMMA.test(cells[at])) {
        this.#comma ??= `"${cells[at].trim()}" (line ${line})`
        replaced[at] = cells[at].replace(',', '.')
      } else if (POINT.test(cells[at])) this.#point ??= `"${cells[at].trim()}" (line ${line})`
    }
    if (this.#comma === undefined || this.#point === undefined) return replaced
    throw new BenchError(
      'bad-input',
      `${this.#source} has both ${this.#comma} and ${this.#point}: a point is either a decimal point or one of thousands; ` +
        'write all numbers the same way',
    )
  }
}

const COMMA = /^\s*[+-]?\d*,\d+(e[+-]?\d+)?\s*$/i
const POINT = /^\s*[+-]?\d*\.\d+(e[+-]?\d+)?\s*$/i

const tooLongLine = (name: string) =>
  beyondLimit('csv-line-kib', `${name} has a line of more than ${limitOf('csv-line-kib')} KiB`)

function csvFailure(error: unknown, name: string): unknown {
  if (error instanceof BenchError) return error
  const { message } = error as Error
  if (error instanceof CsvError && error.code === 'CSV_MAX_RECORD_SIZE') return tooLongLine(name)
  if (!(error instanceof CsvError)) {
    return new BenchError('bad-input', `${name} cannot be read to its end: ${message}`, { cause: error })
  }
  const { line, problem } = csvProblem(error)
  return new BenchError('bad-input', `${name} is no CSV table: line ${line}: ${problem}`, { cause: error })
}

/** Returns the line of an error of the CSV parser, and what is wrong there, with what to do. */
export function csvProblem(error: CsvError): { readonly line: number; readonly problem: string } {
  const { code, message } = error
  const line = Number(error.lines)
  const [, header, found] = /(?:expect|columns length is) (\d+), got (\d+)/.exec(message) ?? []
  if (found !== undefined) {
    const cells = `${pluralize(Number(found), 'cell')} where the header has ${header}`
    return { line, problem: `${cells}; expected a header of column names, and as many cells in each line` }
  }
  if (code === 'CSV_QUOTE_NOT_CLOSED') return { line, problem: 'a cell in quotes does not end; add the missing "' }
  const remedy = 'put the whole cell in quotes, and write "" for each quote in it'
  return { line, problem: `a quote is inside of a cell; ${remedy}` }
}
