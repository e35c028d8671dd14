/** Comma-separated values (RFC 4180): all digits, statistics as three columns, nothing where nothing is known. */

import { exactText } from './cells.ts'
import type { Cell, Tabular } from './tabular.ts'

const PARTS = ['mean', 'std', 'n'] as const

export function renderCsv({ columns, rows }: Tabular): string {
  const statistical = columns.map((_, i) => rows.some((row) => row[i].kind === 'statistic'))
  const head = columns.flatMap(({ key }, i) => (statistical[i] ? PARTS.map((part) => `${key} ${part}`) : [key]))
  const lines = rows.map((row) => row.flatMap((cell, i) => (statistical[i] ? parts(cell) : [field(cell)])))
  return [head.map(textField), ...lines].map((line) => `${line.join(',')}\n`).join('')
}

function parts(cell: Cell): string[] {
  if (cell.kind !== 'statistic') return [field(cell), '', '']
  return PARTS.map((part) => (cell[part] === undefined ? '' : String(cell[part])))
}

const field = (cell: Cell): string => (cell.kind === 'text' ? textField(cell.text) : exactText(cell))

/** Spreadsheets take a text that begins like this for a formula; an apostrophe, as in their own notation, says it is text. */
const textField = (text: string): string =>
  /^[=+\-@]/.test(text) && Number.isNaN(Number(text)) ? `"'${text.replaceAll('"', '""')}"` : csvField(text)

/** Quoted where it has to be: architectures of the DARTS space have commas. */
export const csvField = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)
