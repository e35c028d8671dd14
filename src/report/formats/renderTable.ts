/** Writes a table in any of the formats. */
import { BenchError } from '../../core/errors.ts'
import { unknownName } from '../../core/names.ts'
import { oneLine, printable } from '../../core/plainText.ts'
import { renderCsv } from './csv.ts'
import { renderJson } from './json.ts'
import { renderLatex } from './latex.ts'
import { renderMarkdown } from './markdown.ts'
import type { Tabular } from './tabular.ts'
import { renderText } from './text.ts'

const RENDERERS = {
  text: renderText,
  md: renderMarkdown,
  csv: renderCsv,
  json: renderJson,
  latex: renderLatex,
} satisfies Record<string, (table: Tabular, width?: number) => string>

export type TableFormat = keyof typeof RENDERERS
export const TABLE_FORMATS = Object.keys(RENDERERS) as readonly TableFormat[]

/**
 * The table in one format, with a newline at its end.
 * @param width of the terminal that text is for, in signs; absent: as wide as the table is
 */
export function renderTable(table: Tabular, format: TableFormat, width?: number): string {
  const ragged = table.rows.find((row) => row.length !== table.columns.length)
  if (ragged !== undefined) {
    throw new BenchError('failed', `a row has ${ragged.length} cells, the table ${table.columns.length} columns`)
  }
  // JSON escapes what is in a string by itself, but for the controls beyond ASCII.
  return format === 'json' ? printable(renderJson(table)) : RENDERERS[format](withPlainText(table), width)
}

/** The table with the control characters of its texts escaped: no name or note may break a row or drive a terminal. */
const withPlainText = ({ columns, rows, notes, commands, ...rest }: Tabular): Tabular => ({
  ...rest,
  columns: columns.map(({ title, key, within, ...column }) => ({
    ...column,
    title: oneLine(title),
    key: oneLine(key),
    ...(within && { within: [oneLine(within[0]), oneLine(within[1])] as const }),
  })),
  rows: rows.map((row) => row.map((cell) => (cell.kind === 'text' ? { ...cell, text: oneLine(cell.text) } : cell))),
  notes: notes.map(oneLine),
  ...(commands && { commands: { purpose: oneLine(commands.purpose), lines: commands.lines.map(oneLine) } }),
})

/** @throws BenchError `unknown-name` with the nearest known format */
export function parseTableFormat(name: string): TableFormat {
  const format = TABLE_FORMATS.find((known) => known === name)
  if (format === undefined) throw unknownName('format', name, TABLE_FORMATS)
  return format
}
