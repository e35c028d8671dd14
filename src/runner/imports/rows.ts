/**
 * Reads runs of other programs from tabular files (docs/importing-runs.md): CSV files and JSON lines whose rows have
 * method, seed, dataset and architecture, and optionally the epoch and the seconds since the search began.
 */
import { CsvError } from 'csv-parse'
import { parse } from 'csv-parse/sync'
import { beyondLimit, limitOf } from '../../system/limits.ts'
import { csvProblem } from '../../tables/importers/csv.ts'
import type { ForeignRun, Reading } from './foreignRuns.ts'

/** The values of a row by column name: texts in CSV, any JSON value in JSON lines. */
type Row = Readonly<Record<string, unknown>>

/** Returns the runs of a CSV file with a header, whose columns are separated by commas, semicolons or tabs. */
export function separatedRows(text: string, reading: Reading): readonly ForeignRun[] {
  const [header] = text.split(/\r?\n|\r/, 1)
  const delimiter = [',', ';', '\t'].sort((a, b) => header.split(b).length - header.split(a).length)[0]
  let lines: readonly { readonly record: Row; readonly info: { readonly lines: number } }[]
  try {
    lines = parse(text, {
      columns: (names: string[]) => uniqueColumns(names, reading),
      delimiter,
      skip_empty_lines: true,
      info: true,
      trim: true,
      max_record_size: limitOf('csv-line-kib') * 2 ** 10,
      cast: false,
    }) as never
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    if (error.code === 'CSV_MAX_RECORD_SIZE') {
      throw beyondLimit('csv-line-kib', `${reading.name} has a line of more than ${limitOf('csv-line-kib')} KiB`)
    }
    const { line, problem } = csvProblem(error)
    throw reading.fault(`line ${line}`, problem)
  }
  if (delimiter !== ',') for (const { record } of lines) withDecimalPoint(record)
  for (const { record, info } of lines) addRow(record, `line ${info.lines}`, reading)
  return reading.runs()
}

function uniqueColumns(names: readonly string[], reading: Reading): string[] {
  const columns = names.map((name) => (name.trim() === 'arch' ? 'architecture' : name.trim()))
  const twice = columns.find((name, i) => name !== '' && columns.indexOf(name) < i)
  if (twice !== undefined) throw reading.fault('line 1', `the column ${twice} is there twice; keep one`)
  return columns
}

/** Replaces a decimal comma in the column of seconds, as it occurs in files separated by semicolons, by a point. */
function withDecimalPoint(row: Row): void {
  if (typeof row.seconds === 'string') (row as Record<string, unknown>).seconds = row.seconds.replace(',', '.')
}

/** Returns the runs of a file with one JSON object on each line, or with one JSON array of such objects. */
export function recordRows(text: string, reading: Reading): readonly ForeignRun[] {
  if (text.trimStart().startsWith('[')) {
    const rows = parsed(text, 'its beginning', reading)
    if (!Array.isArray(rows)) throw reading.fault('its beginning', 'expected a list of objects')
    for (const [at, row] of rows.entries())
      addRow(objectOf(row, `entry ${at + 1}`, reading), `entry ${at + 1}`, reading)
    return reading.runs()
  }
  for (const [at, line] of text.split('\n').entries()) {
    if (line.length > limitOf('csv-line-kib') * 2 ** 10) {
      throw beyondLimit('csv-line-kib', `${reading.name}, line ${at + 1}, has more than ${limitOf('csv-line-kib')} KiB`)
    }
    const place = `line ${at + 1}`
    if (line.trim() !== '') addRow(objectOf(parsed(line, place, reading), place, reading), place, reading)
  }
  return reading.runs()
}

function parsed(text: string, place: string, reading: Reading): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw reading.fault(place, 'no JSON; expected an object such as {"method":"rea","seed":0,…} on each line')
  }
}

function objectOf(value: unknown, place: string, reading: Reading): Row {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Row
  throw reading.fault(place, 'expected an object with method, seed, dataset and architecture')
}

/** Largest accepted epoch number, far above that of any search. */
const MOST_EPOCHS = 1_000_000

function addRow(row: Row, place: string, reading: Reading): void {
  const { options } = reading
  const run = {
    method: options.method ?? textAt(row, 'method', '--method', place, reading),
    seed:
      options.seed ?? required(wholeAt(row, 'seed', Number.MAX_SAFE_INTEGER, place, reading), 'seed', place, reading),
    dataset: options.dataset ?? textAt(row, 'dataset', '--dataset', place, reading),
  }
  const epoch = wholeAt(row, 'epoch', MOST_EPOCHS, place, reading)
  const seconds = secondsAt(row, place, reading)
  const text = textAt(row, 'architecture', undefined, place, reading)
  const genotype = reading.genotype(text, place)
  reading.add(run, {
    place,
    ...(genotype && { genotype }),
    ...(epoch !== undefined && { epoch }),
    ...(seconds !== undefined && { seconds }),
  })
}

/** Longest name of a method or a dataset, in characters. */
const LONGEST_NAME = 200

function textAt(row: Row, column: string, flag: string | undefined, place: string, reading: Reading): string {
  const value = row[column] ?? (column === 'architecture' ? row.arch : undefined)
  if (value === undefined || value === '') {
    const remedy = flag === undefined ? 'add it' : `add it, or give ${flag}`
    throw reading.fault(place, `there is no ${column}; ${remedy}`)
  }
  if (typeof value !== 'string') throw reading.fault(place, `${column}: expected text, found ${shown(value)}`)
  if (column !== 'architecture' && (value.length > LONGEST_NAME || /\p{Cc}/u.test(value))) {
    throw reading.fault(place, `${column}: expected a name of at most ${LONGEST_NAME} characters`)
  }
  return value
}

function required(value: number | undefined, column: string, place: string, reading: Reading): number {
  if (value !== undefined) return value
  throw reading.fault(place, `there is no ${column}; add it, or give --${column}`)
}

function wholeAt(row: Row, column: string, most: number, place: string, reading: Reading): number | undefined {
  const value = row[column]
  if (value === undefined || value === null || value === '') return undefined
  const number = typeof value === 'string' && /^\d{1,16}$/.test(value) ? Number(value) : value
  if (typeof number === 'number' && Number.isInteger(number) && number >= 0 && number <= most) return number
  throw reading.fault(place, `${column}: expected a whole number from 0 to ${most}, found ${shown(value)}`)
}

function secondsAt(row: Row, place: string, reading: Reading): number | undefined {
  const value = row.seconds
  if (value === undefined || value === null || value === '') return undefined
  const number = typeof value === 'string' ? Number(value) : value
  if (typeof number === 'number' && Number.isFinite(number) && number >= 0) return number
  throw reading.fault(place, `seconds: expected a number from 0, found ${shown(value)}`)
}

/** Returns a value as shortened text for a message. */
function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}
