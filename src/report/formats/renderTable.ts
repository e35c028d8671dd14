/** Prints a table as text (`text.ts`), LaTeX (`latex.ts`), Markdown, CSV or JSON. */
import { BenchError } from '../../core/errors.ts'
import { unknownName } from '../../core/names.ts'
import { oneLine, printable } from '../../core/plainText.ts'
import { renderLatex } from './latex.ts'
import { type Cell, cellText, exactText, isWords, partOf, partsOf, type Tabular } from './tabular.ts'
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
 * Returns a table in the given format, ending with a newline.
 * @param width width of the terminal in characters, which only the format `text` uses; absent: unlimited
 */
export function renderTable(table: Tabular, format: TableFormat, width?: number): string {
  const ragged = table.rows.find((row) => row.length !== table.columns.length)
  if (ragged !== undefined) {
    throw new BenchError('failed', `a row has ${ragged.length} cells, the table ${table.columns.length} columns`)
  }
  // JSON escapes strings itself, except for control characters beyond ASCII.
  return format === 'json' ? printable(renderJson(table)) : RENDERERS[format](withPlainText(table), width)
}

/**
 * Returns the table with control characters escaped in all texts, since they could break a table row or change the
 * state of a terminal.
 */
const withPlainText = ({ columns, rows, notes, commands, ...rest }: Tabular): Tabular => ({
  ...rest,
  columns: columns.map(({ title, key, within, ...column }) => ({
    ...column,
    title: oneLine(title),
    key: oneLine(key),
    ...(within && { within: [oneLine(within[0]), oneLine(within[1])] as const }),
  })),
  rows: rows.map(plainRow),
  notes: notes.map(oneLine),
  ...(commands && { commands: { purpose: oneLine(commands.purpose), lines: commands.lines.map(oneLine) } }),
})

/** Returns a row with control characters escaped; the row itself if it has none, since tables may have thousands. */
const plainRow = (row: readonly Cell[]): readonly Cell[] =>
  row.every((cell) => plainCell(cell) === cell) ? row : row.map(plainCell)

/**
 * Returns a cell with control characters escaped; the same object if it has none, since tables may have thousands of
 * cells.
 */
function plainCell(cell: Cell): Cell {
  if (cell.kind !== 'text') return cell
  const text = oneLine(cell.text)
  return text === cell.text ? cell : { ...cell, text }
}

/**
 * Returns the table format with a name, such as `csv`. @throws BenchError `unknown-name` with the nearest known format
 */
export function parseTableFormat(name: string): TableFormat {
  const format = TABLE_FORMATS.find((known) => known === name)
  if (format === undefined) throw unknownName('format', name, TABLE_FORMATS)
  return format
}

/**
 * Returns a table as comma-separated values (RFC 4180), with all digits of numbers. A column of statistics becomes
 * three: mean, standard deviation and number of values; a column of quantities becomes two: value and unit. An unknown
 * value is an empty field.
 */
function renderCsv({ columns, rows }: Tabular): string {
  const parts = columns.map((_, i) => partsOf(rows.map((row) => row[i])))
  const head = columns.flatMap(({ key }, i) => (parts[i].length > 0 ? parts[i].map((part) => `${key} ${part}`) : [key]))
  const lines = rows.map((row) => row.flatMap((cell, i) => fields(cell, parts[i])))
  return [head.map(textField), ...lines].map((line) => `${line.join(',')}\n`).join('')
}

/** Returns the CSV fields of a cell. A text stands in the first of its column's parts. */
function fields(cell: Cell, parts: ReturnType<typeof partsOf>): string[] {
  if (parts.length === 0) return [field(cell)]
  if (cell.kind === 'text') return parts.map((_, i) => (i === 0 ? field(cell) : ''))
  return parts.map((part) => textField(String(partOf(cell, part) ?? '')))
}

const field = (cell: Cell): string => (cell.kind === 'text' ? textField(cell.text) : exactText(cell))

/**
 * Returns a text as a CSV field. A text that a spreadsheet would interpret as a formula gets an apostrophe in front,
 * which marks it as text.
 */
const textField = (text: string): string =>
  /^[=+\-@]/.test(text) && Number.isNaN(Number(text)) ? `"'${text.replaceAll('"', '""')}"` : csvField(text)

/** Returns a CSV field, quoted where it contains commas, quotes or line breaks. */
export const csvField = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)

/**
 * Returns a table as JSON: one record for each row, with `published: true` in rows that come from papers, and the
 * notes.
 */
function renderJson({ columns, rows, notes, commands, apart = 0 }: Tabular): string {
  const records = rows.map((row, at) => ({
    ...Object.fromEntries(row.map((cell, i) => [columns[i].key, plain(cell)])),
    ...(at >= rows.length - apart && { published: true }),
  }))
  return `${JSON.stringify({ rows: records, notes, ...(commands && { commands: commands.lines }) }, null, 2)}\n`
}

function plain(cell: Cell): unknown {
  switch (cell.kind) {
    case 'text':
      return cell.text
    case 'number':
      return cell.value
    case 'statistic':
      return { mean: cell.mean, std: cell.std ?? null, n: cell.n ?? null, ...(cell.best ? { best: true } : {}) }
    case 'quantity':
      return { value: cell.value, unit: cell.unit }
    case 'absent':
      return null
  }
}

/** Returns a Markdown table with its notes below it. */
function renderMarkdown({ columns, rows, notes, commands }: Tabular): string {
  const line = (texts: readonly string[]) => `| ${texts.join(' | ')} |`
  const rule = columns.map((_, i) => (isWords(rows.map((row) => row[i])) ? ':--' : '--:'))
  const table = [
    line(columns.map(({ title }) => escaped(title))),
    line(rule),
    ...rows.map((row) => line(row.map(cell))),
  ]
  const below = notes.length > 0 ? ['', notes.map(noteText).join('  \n')] : []
  const next = commands === undefined || commands.lines.length === 0 ? [] : ['', `${noteText(commands.purpose)}:`, '']
  const lines = next.length === 0 ? [] : ['```sh', ...(commands?.lines ?? []), '```']
  return `${[...table, ...below, ...next, ...lines].join('\n')}\n`
}

function cell(content: Cell): string {
  const text = escaped(cellText(content))
  return content.kind === 'statistic' && content.best ? `**${text}**` : text
}

/**
 * Matches the characters of a text that Markdown would take for markup: `|`, `\`, a backquote and `*` everywhere; `~`,
 * since a pair of them in an architecture string would strike text through; `_` at the edge of a word; `<` before a
 * character; `&` in an entity; brackets in links.
 */
const MARKUP = /[|\\`*~]|\](?=[([:])|\[(?=\^)|<(?=\S)|&(?=#?\w+;)|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu

const escaped = (text: string): string => text.replace(MARKUP, '\\$&')

/**
 * Returns a note in which Markdown's markup is escaped, including markup at the beginning of a line: headings,
 * quotations and lists.
 */
const noteText = (note: string): string =>
  escaped(note)
    .replace(/^(\s*)([#>+=-])/, '$1\\$2')
    .replace(/^(\s*\d+)([.)])(?=\s)/, '$1\\$2')
