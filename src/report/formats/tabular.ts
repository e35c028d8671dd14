/** A table as content: what stands in it, not how it is written, which is `renderTable`'s. */
import { capitalize } from '../../core/plainText.ts'

export interface Tabular {
  readonly columns: readonly TabularColumn[]
  /** One cell a column. */
  readonly rows: readonly (readonly Cell[])[]
  /** How many of the rows, the last ones, are others' and stand apart; absent: none. */
  readonly apart?: number
  /** What qualifies the numbers; stands below the table. */
  readonly notes: readonly string[]
  /** What to do next. Each stands on a line of its own, below the notes, so that it can be pasted; figures have none. */
  readonly commands?: { readonly purpose: string; readonly lines: readonly string[] }
}

export interface TabularColumn {
  readonly title: string
  /** Key in CSV heads and JSON records. */
  readonly key: string
  /** What neighbouring columns share, and what the column is within it: formats that can write the first once. */
  readonly within?: readonly [group: string, title: string]
  /** The highest is left out first where a terminal is too narrow for all columns; absent: the column always stands. */
  readonly optional?: number
}

export type Cell =
  | { readonly kind: 'text'; readonly text: string }
  | NumberCell
  | Statistic
  /** Nothing known: — and never 0. */
  | { readonly kind: 'absent' }

export interface NumberCell {
  readonly kind: 'number'
  readonly value: number
  /** After the point, in formats for people. */
  readonly digits: number
  /** Above zero: what would be rounded to 0.000 there is `< 0.001`. */
  readonly positive?: boolean
}

export const absent: Cell = { kind: 'absent' }
export const word = (text: string | undefined): Cell => (text === undefined ? absent : { kind: 'text', text })
export const count = (value: number | undefined): Cell => number(value, 0)
export const number = (value: number | undefined, digits: number): Cell =>
  value === undefined ? absent : { kind: 'number', value, digits }

/** Columns whose titles are their keys. */
export const titled = (keys: readonly string[]): TabularColumn[] => keys.map((key) => ({ title: capitalize(key), key }))

/** Mean over n values and their sample standard deviation (ddof 1), which a single value does not have. */
export interface Statistic {
  readonly kind: 'statistic'
  readonly mean: number
  readonly std?: number
  readonly n: number
  readonly digits: number
  /** Marked in formats that can. */
  readonly best?: boolean
}
