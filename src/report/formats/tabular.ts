/**
 * The content of a printed table, independent of its format (text, Markdown, CSV, JSON or LaTeX), and the text of its
 * cells.
 */
import { capitalize } from '../../core/plainText.ts'

export interface Tabular {
  readonly columns: readonly TabularColumn[]
  /** Rows of the table; each has one cell for each column. */
  readonly rows: readonly (readonly Cell[])[]
  /** Number of rows at the end of the table that come from published papers; LaTeX and JSON mark them. Absent: 0. */
  readonly apart?: number
  /**
   * Groups of neighbouring rows, in order, such as searches and fixed architectures; absent: all rows are one group.
   */
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
   * Group of neighbouring columns to which this column belongs: the group's title, which LaTeX prints once above all of
   * them, and this column's title below it. Absent: the column is in no group.
   */
  readonly within?: readonly [group: string, title: string]
  /**
   * Order in which columns are left out if the terminal is too narrow: the column with the highest number first.
   * Absent: the column is always shown.
   */
  readonly optional?: number
}

/**
 * Returns a column without a group.
 * @param title the key if not given
 * @param optional rank by which the column is left out of a narrow terminal; absent: it is always shown
 */
export const column = (key: string, title = key, optional?: number): TabularColumn => ({
  ...{ key, title },
  ...(optional !== undefined && { optional }),
})

export type Cell =
  | { readonly kind: 'text'; readonly text: string }
  | NumberCell
  | Statistic
  | Quantity
  /** A cell whose value is unknown; it is printed as — and never as 0. */
  | { readonly kind: 'absent' }

export interface NumberCell {
  readonly kind: 'number'
  readonly value: number
  /** Number of digits after the decimal point in text, Markdown and LaTeX. */
  readonly digits: number
  /** Whether the value is known to be above zero, like a p-value. If it rounds to 0, `< 0.001` is printed instead. */
  readonly positive?: boolean
}

/** The cell for a value that is unknown. */
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
  /** Number of values; absent: a paper does not give it. */
  readonly n?: number
  readonly digits: number
  /** Digits of the deviation after the decimal point; absent: those of the mean. */
  readonly stdDigits?: number
  /** Whether this cell has the best mean of its column, which Markdown and LaTeX print in bold. */
  readonly best?: boolean
}

/** A table cell with a number and its unit, where the rows of a column have different units, as search costs have. */
export interface Quantity {
  readonly kind: 'quantity'
  readonly value: number
  readonly unit: string
  readonly digits: number
}

/** Parts of cells that are columns of their own in CSV and in data frames. */
const PARTS = { statistic: ['mean', 'std', 'n'], quantity: ['value', 'unit'] } as const
type Part = (typeof PARTS)[keyof typeof PARTS][number]

/** Returns the parts that the cells of a column have in CSV and in data frames; none if a cell is a single value. */
export function partsOf(cells: readonly Cell[]): readonly Part[] {
  for (const { kind } of cells) if (kind === 'statistic' || kind === 'quantity') return PARTS[kind]
  return []
}

/** Returns a part of a cell; a number without parts is a mean or a value. Undefined if the cell lacks it. */
export function partOf(cell: Cell, part: Part): number | string | undefined {
  switch (cell.kind) {
    case 'statistic':
      return part === 'value' || part === 'unit' ? undefined : cell[part]
    case 'quantity':
      return part === 'value' || part === 'unit' ? cell[part] : undefined
    case 'number':
      return part === 'mean' || part === 'value' ? cell.value : undefined
    default:
      return undefined
  }
}

export const ABSENT = '—'

/**
 * Returns the text of a cell in formats for people, rounded, such as `93.76 ± 0.21`; for a single value `93.76 ± —`.
 */
export function cellText(cell: Cell): string {
  switch (cell.kind) {
    case 'text':
      return cell.text
    case 'number':
      return numberText(cell)
    case 'statistic':
      return `${cell.mean.toFixed(cell.digits)} ± ${deviationText(cell) ?? ABSENT}`
    case 'quantity':
      return `${cell.value.toFixed(cell.digits)} ${cell.unit}`
    case 'absent':
      return ABSENT
  }
}

/**
 * Returns the text of a cell in formats for programs: a number with all its digits, only the mean of a statistic, the
 * value of a quantity, and an empty text for an unknown value.
 */
export function exactText(cell: Cell): string {
  switch (cell.kind) {
    case 'text':
      return cell.text
    case 'number':
      return String(cell.value)
    case 'quantity':
      return String(cell.value)
    case 'statistic':
      return String(cell.mean)
    case 'absent':
      return ''
  }
}

/**
 * Returns the number of digits after the decimal point with which a number has at least two significant digits; never
 * fewer than `least`.
 */
export const digitsFor = (value: number, least: number): number =>
  value === 0 || !Number.isFinite(value) ? least : Math.max(least, 1 - Math.floor(Math.log10(Math.abs(value))))

/**
 * Returns the text of a number cell, rounded to the cell's `digits`; a positive number that would be rounded to 0
 * becomes `< 0.001`.
 */
export function numberText({ value, digits, positive = false }: NumberCell): string {
  const text = withoutMinusZero(value.toFixed(digits))
  return positive && Number(text) === 0 ? `< ${(10 ** -digits).toFixed(digits)}` : text
}

/** Returns the text of a rounded number, without the sign of a negative number that was rounded to 0. */
export const withoutMinusZero = (text: string): string => (Number(text) === 0 ? text.replace('-', '') : text)

/** Returns the text of a standard deviation; undefined for a single value. */
export const deviationText = ({ std, digits, stdDigits = digits }: Statistic): string | undefined =>
  std?.toFixed(stdDigits)

/**
 * Returns whether all cells of a column are texts, or numbers that end with their unit. Such a column is left-aligned, a
 * column with numbers right-aligned.
 */
export const isWords = (cells: readonly Cell[]): boolean =>
  cells.every((cell) => cell.kind === 'text' || cell.kind === 'quantity')

/**
 * Returns a table whose cells are texts.
 * @param keys keys of the columns; their titles are the keys with a capital first letter
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
