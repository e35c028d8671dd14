/** Comma-separated values (RFC 4180): all digits, statistics as three columns, nothing where nothing is known. */
import type { Cell, Tabular } from '../tabular.ts'

const PARTS = ['mean', 'std', 'n'] as const

export function renderCsv({ columns, rows }: Tabular): string {
  const statistical = columns.map((_, i) => rows.some((row) => row[i].kind === 'statistic'))
  const head = columns.flatMap(({ key }, i) => (statistical[i] ? PARTS.map((part) => `${key} ${part}`) : [key]))
  const lines = rows.map((row) => row.flatMap((cell, i) => (statistical[i] ? parts(cell) : [plain(cell)])))
  return [head, ...lines].map((line) => `${line.map(quote).join(',')}\n`).join('')
}

function parts(cell: Cell): string[] {
  if (cell.kind !== 'statistic') return [plain(cell), '', '']
  return PARTS.map((part) => (cell[part] === undefined ? '' : String(cell[part])))
}

function plain(cell: Cell): string {
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

const quote = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)
