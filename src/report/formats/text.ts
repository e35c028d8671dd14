/** Aligned columns for a terminal. */
import type { Tabular } from '../tabular.ts'
import { cellText, isWords } from './cells.ts'

export function renderText({ columns, rows, notes }: Tabular): string {
  const lines = [columns.map(({ title }) => title), ...rows.map((row) => row.map(cellText))]
  const widths = columns.map((_, i) => Math.max(...lines.map((line) => line[i].length)))
  const left = columns.map((_, i) => isWords(rows.map((row) => row[i])))
  const set = (line: readonly string[]) =>
    line.map((text, i) => (left[i] ? text.padEnd(widths[i]) : text.padStart(widths[i]))).join('  ')
  const rule = widths.map((width) => '─'.repeat(width)).join('──')
  const [head, ...body] = lines.map((line) => set(line).trimEnd())
  return `${[head, rule, ...body, ...(notes.length > 0 ? ['', ...notes] : [])].join('\n')}\n`
}
