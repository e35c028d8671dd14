/** A table as content: what stands in it, not how it is written. Each format has its own file. */
import { BenchError } from '../core/errors.ts'
import { unknownName } from '../core/names.ts'
import { renderCsv } from './formats/csv.ts'
import { renderJson } from './formats/json.ts'
import { renderLatex } from './formats/latex.ts'
import { renderMarkdown } from './formats/markdown.ts'
import { renderText } from './formats/text.ts'

export interface Tabular {
  readonly columns: readonly TabularColumn[]
  /** One cell a column. */
  readonly rows: readonly (readonly Cell[])[]
  /** What qualifies the numbers; stands below the table. */
  readonly notes: readonly string[]
}

export interface TabularColumn {
  readonly title: string
  /** Key in CSV heads and JSON records. */
  readonly key: string
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

const RENDERERS = {
  text: renderText,
  md: renderMarkdown,
  csv: renderCsv,
  json: renderJson,
  latex: renderLatex,
} satisfies Record<string, (table: Tabular) => string>

export type TableFormat = keyof typeof RENDERERS
export const TABLE_FORMATS = Object.keys(RENDERERS) as readonly TableFormat[]

/** The table in one format, with a newline at its end. */
export function renderTable(table: Tabular, format: TableFormat): string {
  const ragged = table.rows.find((row) => row.length !== table.columns.length)
  if (ragged !== undefined) {
    throw new BenchError('failed', `a row has ${ragged.length} cells, the table ${table.columns.length} columns`)
  }
  return RENDERERS[format](table)
}

/** @throws BenchError `unknown-name` with the nearest known format */
export function parseTableFormat(name: string): TableFormat {
  const format = TABLE_FORMATS.find((known) => known === name)
  if (format === undefined) throw unknownName('format', name, TABLE_FORMATS)
  return format
}
