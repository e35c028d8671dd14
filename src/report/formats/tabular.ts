/**
 * The content of a printed table, independent of its format (text, Markdown, CSV, JSON or LaTeX), and the text of its
 * cells.
 */
import { capitalize } from '../../core/plainText.ts'

export interface Tabular {
  readonly columns: readonly TabularColumn[]
  /** Rows of the table; each has one cell for each column. */
  readonly rows: readonly (readonly Cell[])[]
  /** Number of rows at the end of the table that were published by others; LaTeX and JSON mark them. Absent: 0. */
  readonly apart?: number
  /** Groups of neighbouring rows, in order, such as methods and references; absent: all rows are one group. */
  readonly groups?: readonly RowGroup[]
  /** Notes below the table: sentences that say how its numbers were computed. */
  readonly notes: readonly string[]
  /**
   * Commands that the user may want to run next, with the words that introduce them. They are printed below the table's
   * notes, each on its own line, so that they can be pasted.
   */
  readonly commands?: { readonly purpose: string; readonly lines: readonly string[] }
}

/** A group of neighbouring rows of a table. */
export interface RowGroup {
  readonly title: string
  /** Number of rows in the group. */
  readonly rows: number
}

export interface TabularColumn {
  readonly title: string
  /** Name of the column in the first line of CSV and in JSON records. */
  readonly key: string
  /**
   * If neighbouring columns form a group: the group's title, which LaTeX prints once above them, and this column's
   * title below it.
   */
  readonly within?: readonly [group: string, title: string]
  /**
   * Priority with which this column is left out if the terminal is too narrow: the highest number is left out first.
   * Absent: the column is always shown.
   */
  readonly optional?: number
}

export type Cell =
  | { readonly kind: 'text'; readonly text: string }
  | NumberCell
  | Statistic
  /** The cell of an unknown value, which is printed as — and never as 0. */
  | { readonly kind: 'absent' }

export interface NumberCell {
  readonly kind: 'number'
  readonly value: number
  /** Number of digits after the decimal point that text, Markdown and LaTeX show of the cell's value. */
  readonly digits: number
  /** Whether the value is known to be above zero, like a p-value. If it rounds to 0, `< 0.001` is printed instead. */
  readonly positive?: boolean
}

/** The table cell of an unknown value. */
export const absent: Cell = { kind: 'absent' }
export const word = (text: string | undefined): Cell => (text === undefined ? absent : { kind: 'text', text })
export const count = (value: number | undefined): Cell => number(value, 0)
export const number = (value: number | undefined, digits: number): Cell =>
  value === undefined ? absent : { kind: 'number', value, digits }

/** Returns table columns with the given keys; the title of a column is its key with a capital first letter. */
export const titled = (keys: readonly string[]): TabularColumn[] => keys.map((key) => ({ title: capitalize(key), key }))

/** A table cell with the mean and sample standard deviation (ddof 1) of n values; a single value has no deviation. */
export interface Statistic {
  readonly kind: 'statistic'
  readonly mean: number
  readonly std?: number
  readonly n: number
  readonly digits: number
  /** Whether this cell has the best mean of its column, which Markdown and LaTeX print in bold. */
  readonly best?: boolean
}

export const ABSENT = '—'

/**
 * Returns the text of a cell in formats for people, rounded, such as `93.76 ± 0.21`; the deviation of a single value is
 * —.
 */
export function cellText(cell: Cell): string {
  switch (cell.kind) {
    case 'text':
      return cell.text
    case 'number':
      return numberText(cell)
    case 'statistic':
      return `${cell.mean.toFixed(cell.digits)} ± ${deviationText(cell)}`
    case 'absent':
      return ABSENT
  }
}

/**
 * Returns the text of a cell in formats for programs: a number with all its digits, only the mean of a statistic, and
 * an empty text for an unknown value.
 */
export function exactText(cell: Cell): string {
  switch (cell.kind) {
    case 'text':
      return cell.text
    case 'number':
      return String(cell.value)
    case 'statistic':
      return String(cell.mean)
    case 'absent':
      return ''
  }
}

/**
 * Returns how many digits after the decimal point show at least two significant digits of a number, and never fewer
 * than `least`.
 */
export const digitsFor = (value: number, least: number): number =>
  value === 0 || !Number.isFinite(value) ? least : Math.max(least, 1 - Math.floor(Math.log10(Math.abs(value))))

/**
 * Returns the text of a number cell, rounded to the cell's `digits`; a positive number that would be rounded to 0
 * becomes `< 0.001`.
 */
export function numberText({ value, digits, positive = false }: NumberCell): string {
  const text = value.toFixed(digits)
  return positive && Number(text) === 0 ? `< ${(10 ** -digits).toFixed(digits)}` : text
}

const deviationText = ({ std, digits }: Statistic): string => std?.toFixed(digits) ?? ABSENT

/** Returns whether all cells of a column are texts. Such a column is aligned left, a column with numbers right. */
export const isWords = (cells: readonly Cell[]): boolean => cells.every((cell) => cell.kind === 'text')

/**
 * Returns a table whose cells are texts.
 * @param keys keys of the columns, which with a capital letter are also their titles
 * @param rows texts of each row, one for each column
 */
export const wordTable = (
  keys: readonly string[],
  rows: readonly (readonly string[])[],
  notes: readonly string[] = [],
): Tabular => ({
  columns: titled(keys),
  rows: rows.map((row) => row.map(word)),
  notes,
})
