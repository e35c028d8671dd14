/**
 * Converts the rows of a CSV or Parquet file to the content of a table: checks every cell and sorts the rows by
 * architecture index.
 */
import { BenchError } from '../../core/errors.ts'
import { checkLimit, limitOf } from '../../system/limits.ts'
import { isAccuracy, isSeconds, isSize } from '../columnNames.ts'
import { checkComplete, type ImportContext, type NumbersContent, type TableContent } from '../content.ts'
import type { Source } from '../manifest.ts'
import { AccuracyUnits, checkUnits, type FlatColumn, fractionsInPercent, type Mapping } from './mapping.ts'

/** The text or number in one cell of a CSV or Parquet file. An empty text or null is a missing value. */
export type Cell = string | number | null

/** The values of one numeric column of a CSV or Parquet file, collected row by row. */
interface NumberCells {
  readonly at: number
  readonly sourceName: string
  readonly name: string
  readonly seeds?: readonly number[]
  /** The column's values in the rows read so far, followed by unused capacity of the array. */
  values: Float64Array
}

interface TextCells {
  readonly at: number
  readonly name: string
  readonly values: (string | null)[]
}

/** Collects the rows of a CSV or Parquet file and makes the content of a table from them. */
export class FlatRows {
  readonly #source: string
  readonly #context: ImportContext
  readonly #place: string
  readonly #archAt: number
  readonly #indexAt: number
  readonly #numbers: readonly NumberCells[]
  readonly #texts: readonly TextCells[]
  /** For each architecture string: the line of the CSV file, or the row of the Parquet file, in which it occurs. */
  readonly #lineOf = new Map<string, number>()
  readonly #indices: number[] = []
  readonly #mostRows: number

  /** @param place word for a row of the file in messages: `line` for CSV, `row` for Parquet */
  constructor(columns: readonly FlatColumn[], source: string, place: string, context: ImportContext) {
    this.#source = source
    this.#context = context
    this.#place = place
    this.#archAt = columns.findIndex(({ role }) => role.kind === 'arch')
    this.#indexAt = columns.findIndex(({ role }) => role.kind === 'index')
    this.#numbers = columns.flatMap(({ sourceName, role }, at) => {
      if (role.kind !== 'number') return []
      const { kind: _, ...column } = role
      return [{ at, sourceName, ...column, values: new Float64Array(FIRST_ROWS) }]
    })
    this.#texts = columns.flatMap(({ role }, at) =>
      role.kind === 'text' ? [{ at, name: role.name, values: [] as (string | null)[] }] : [],
    )
    const mostNumbers = limitOf('source-numbers') / Math.max(1, this.#numbers.length)
    this.#mostRows = Math.min(limitOf('source-rows'), mostNumbers)
  }

  /**
   * Checks the cells of one row of the file and adds the row.
   * @param line its line or row number, for messages
   * @throws BenchError `bad-input`
   */
  add(cells: readonly (Cell | undefined)[], line: number): void {
    const row = this.#indices.length
    if (row + 1 > this.#mostRows) this.#checkRows(row + 1)
    const arch = this.#archOf(cells[this.#archAt], line)
    this.#indices.push(this.#indexOf(arch, cells[this.#indexAt], line))
    for (const column of this.#numbers) {
      if (row === column.values.length) column.values = enlarged(column.values)
      column.values[row] = this.#numberOf(cells[column.at], column.name, line)
    }
    for (const { at, values } of this.#texts) {
      const cell = cells[at]
      values.push(isEmpty(cell) ? null : String(cell))
    }
  }

  #checkRows(rows: number): void {
    checkLimit('source-rows', rows, this.#source)
    checkLimit('source-numbers', rows * this.#numbers.length, this.#source)
  }

  /**
   * Returns the content of the table, with rows by ascending architecture index.
   * @throws BenchError `bad-input` if architectures are missing, or if it is not clear whether accuracies are fractions
   * or percentages
   */
  content(source: Source, { notes, accuracies }: Pick<Mapping, 'notes' | 'accuracies'>): TableContent {
    const order = this.#indices.map((_, i) => i).sort((a, b) => this.#indices[a] - this.#indices[b])
    const index = Int32Array.from(order, (i) => this.#indices[i])
    checkComplete(index, this.#context, source.name)
    const numbers = this.#numbers.map(({ at: _, values, ...column }) => ({
      ...column,
      values: Float64Array.from(order, (i) => values[i]),
    }))
    const archs = [...this.#lineOf.keys()]
    return {
      index,
      arch: order.map((i) => archs[i]),
      texts: this.#texts.map(({ name, values }) => ({ name, values: order.map((i) => values[i]) })),
      numbers: inPercent(numbers, new AccuracyUnits(accuracies), source.name),
      source,
      notes,
    }
  }

  /**
   * Returns the architecture string of a row in the search space's canonical form.
   * @throws BenchError `bad-input` if an earlier row has the same architecture
   */
  #archOf(cell: Cell | undefined, line: number): string {
    if (isEmpty(cell)) throw this.#error(line, 'no architecture string')
    const text = String(cell)
    const { space } = this.#context
    if (text.length > SHORT_ARCH)
      checkLimit('architecture-length', text.length, `${this.#source} ${this.#place} ${line}`)
    const arch = this.#canonical(space, text, line)
    const earlier = this.#lineOf.get(arch)
    if (earlier !== undefined) {
      const where = `${this.#source} ${this.#place} ${earlier}`
      throw this.#error(line, `architecture ${arch} is there already (${where})`)
    }
    this.#lineOf.set(arch, line)
    return arch
  }

  /**
   * Returns an architecture string in the search space's canonical form.
   * @throws BenchError `bad-input` that names the line of the file if the string is malformed
   */
  #canonical(space: ImportContext['space'], arch: string, line: number): string {
    try {
      return space.canonical(arch)
    } catch (cause) {
      if (cause instanceof BenchError) throw this.#error(line, cause.message, cause)
      throw cause
    }
  }

  /**
   * Returns the index of an architecture in the search space. If the file has a column of indices, checks that its cell
   * agrees.
   */
  #indexOf(arch: string, cell: Cell | undefined, line: number): number {
    const { space } = this.#context
    const stated = this.#indexAt === -1 ? undefined : this.#statedIndex(cell, line)
    if (space.size === null) return this.#indices.length
    const index = space.indexOf(arch)
    if (stated === undefined || stated === index) return index
    throw this.#error(line, `architecture ${arch} is #${index} of ${space.name}, found index ${stated}`)
  }

  #statedIndex(cell: Cell | undefined, line: number): number {
    if (isEmpty(cell)) throw this.#error(line, 'no index')
    return this.#numberOf(cell, 'index', line)
  }

  /**
   * Returns the number in a cell of a CSV or Parquet file; NaN if the cell is empty.
   * @throws BenchError `bad-input` for text, and for values that the column cannot have
   */
  #numberOf(cell: Cell | undefined, name: string, line: number): number {
    if (isEmpty(cell)) return Number.NaN
    const value = typeof cell === 'number' || DECIMAL.test(cell.trim()) ? Number(cell) : Number.NaN
    if (!Number.isFinite(value)) {
      const hint = /^[+-]?\d+,\d+$/.test(String(cell).trim()) ? DECIMAL_COMMA : 'leave missing values empty'
      throw this.#error(line, `${name} is "${cell}", not a number (${hint})`)
    }
    if (isAccuracy(name) && (value < 0 || value > 100)) {
      throw this.#error(line, `accuracy ${name} is ${value}, not in 0 … 100 %`)
    }
    if ((isSeconds(name) && value <= 0) || (isSize(name) && value < 0)) {
      throw this.#error(line, `${name} is ${value}; leave it empty where it was not measured`)
    }
    return value
  }

  #error(line: number, problem: string, cause?: Error): BenchError {
    return new BenchError('bad-input', `${this.#source} ${this.#place} ${line}: ${problem}`, { cause })
  }
}

/** Matches a decimal number in a cell: no thousands separators, no percent sign, no hexadecimal or other bases. */
const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i

const DECIMAL_COMMA = 'decimal commas are read where semicolons or tabs separate the columns'

const FIRST_ROWS = 1024
/** Architecture strings of up to this many characters are accepted without looking up the limit on their length. */
const SHORT_ARCH = 500

function enlarged(values: Float64Array): Float64Array {
  const larger = new Float64Array(2 * values.length)
  larger.set(values)
  return larger
}

const isEmpty = (cell: Cell | undefined): cell is null | undefined | '' =>
  cell === null || cell === undefined || (typeof cell === 'string' && cell.trim() === '')

/** Returns the numeric columns, with accuracies that are given as fractions converted to percent. */
function inPercent(
  columns: readonly (NumbersContent & Pick<NumberCells, 'sourceName'>)[],
  units: AccuracyUnits,
  source: string,
): readonly NumbersContent[] {
  units.checkNames(columns, source)
  checkUnits(columns, units, source)
  return columns.map(({ sourceName, ...column }) => {
    const isFraction = isAccuracy(column.name) && units.statedOf({ ...column, sourceName }) === 'fraction'
    return isFraction ? { ...column, values: fractionsInPercent(column.values, column.name, source) } : column
  })
}
