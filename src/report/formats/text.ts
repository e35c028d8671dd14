/** Aligned columns for a terminal. Long titles and notes are broken at blanks. */

import { cellText, isWords } from './cells.ts'
import type { Tabular } from './tabular.ts'

/** Titles are broken where they are wider than their column's cells and this. */
const TITLE_WIDTH = 16
const NOTE_WIDTH = 110

export function renderText({ columns, rows, notes }: Tabular): string {
  const body = rows.map((row) => row.map(cellText))
  const cellWidths = columns.map((_, i) => Math.max(0, ...body.map((line) => line[i].length)))
  const titles = columns.map(({ title }, i) => fold(title, Math.max(TITLE_WIDTH, cellWidths[i])))
  const widths = titles.map((lines, i) => Math.max(cellWidths[i], ...lines.map((line) => line.length)))
  const left = columns.map((_, i) => isWords(rows.map((row) => row[i])))
  const set = (line: readonly string[]) =>
    line.map((text, i) => (left[i] ? text.padEnd(widths[i]) : text.padStart(widths[i]))).join('  ')
  const height = Math.max(0, ...titles.map((lines) => lines.length))
  const head = Array.from({ length: height }, (_, at) =>
    set(titles.map((lines) => lines[at - height + lines.length] ?? '')),
  )
  const rule = widths.map((width) => '─'.repeat(width)).join('──')
  const below = notes.flatMap((note) => fold(note, NOTE_WIDTH))
  const lines = [...head, rule, ...body.map(set), ...(below.length > 0 ? ['', ...below] : [])]
  return lines.map((line) => `${line.trimEnd()}\n`).join('')
}

/** Lines of at most `width` signs, broken at blanks; a longer word stands alone. */
function fold(text: string, width: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}
