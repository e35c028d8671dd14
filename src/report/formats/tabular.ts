/** The content of a table, independent of the format it is printed in, and the text of single cells. */
import { capitalize } from '../../core/plainText.ts'

export interface Tabular {
  readonly columns: readonly TabularColumn[]
  /** Rows of cells, one cell for each column. */
  readonly rows: readonly (readonly Cell[])[]
  /** Number of rows at the end that are published rows of others and are set apart; absent: 0. */
  readonly apart?: number
  /** Sentences below the table that say how its numbers were computed. */
  readonly notes: readonly string[]
  /**
   * Commands that the user may want to run next, printed below the notes, each on its own line so that it can be
   * pasted.
   */
  readonly commands?: { readonly purpose: string; readonly lines: readonly string[] }
}

export interface TabularColumn {
  readonly title: string
  /** Name of the column in CSV heads and JSON records. */
  readonly key: string
  /**
   * Title of a group of neighbouring columns, which LaTeX prints once above them, and title of the column in the group.
   */
  readonly within?: readonly [group: string, title: string]
  /**
   * Order in which columns are left out where a terminal is too narrow, highest first; absent: the column is always
   * shown.
   */
  readonly optional?: number
}

export type Cell =
  | { readonly kind: 'text'; readonly text: string }
  | NumberCell
  | Statistic
  /** No value is known: printed as —, never as 0. */
  | { readonly kind: 'absent' }

export interface NumberCell {
  readonly kind: 'number'
  readonly value: number
  /** Digits after the decimal point in formats for people. */
  readonly digits: number
  /** Whether the value is known to be above zero: it is then printed as `< 0.001` instead of being rounded to 0.000. */
  readonly positive?: boolean
}

/** The cell of a value that is not known. */
export const absent: Cell = { kind: 'absent' }
export const word = (text: string | undefined): Cell => (text === undefined ? absent : { kind: 'text', text })
export const count = (value: number | undefined): Cell => number(value, 0)
export const number = (value: number | undefined, digits: number): Cell =>
  value === undefined ? absent : { kind: 'number', value, digits }

/** Returns columns whose titles are their keys with a capital letter. */
export const titled = (keys: readonly string[]): TabularColumn[] => keys.map((key) => ({ title: capitalize(key), key }))

/** Mean and sample standard deviation (ddof 1) of n values; a single value has no deviation. */
export interface Statistic {
  readonly kind: 'statistic'
  readonly mean: number
  readonly std?: number
  readonly n: number
  readonly digits: number
  /** Whether the cell is the best of its column, which Markdown and LaTeX print in bold. */
  readonly best?: boolean
}

export const ABSENT = '—'

/** Returns the text of a cell for people, such as `93.76 ± 0.21`; the deviation of a single value is —. */
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
 * Returns the text of a cell for programs: a number with all digits, the mean of a statistic, empty where no value is
 * known.
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
 * Returns a number with its digits after the decimal point; a positive number that would be rounded to 0 as `< 0.001`.
 */
export function numberText({ value, digits, positive = false }: NumberCell): string {
  const text = value.toFixed(digits)
  return positive && Number(text) === 0 ? `< ${(10 ** -digits).toFixed(digits)}` : text
}

const deviationText = ({ std, digits }: Statistic): string => std?.toFixed(digits) ?? ABSENT

/** Whether all cells of a column are texts: such a column is aligned left, a column with numbers right. */
export const isWords = (cells: readonly Cell[]): boolean => cells.every((cell) => cell.kind === 'text')

/**
 * Returns a table of texts. @param keys of the columns, which are also their titles @param rows one text for each
 * column
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
