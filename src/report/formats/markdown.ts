/** A Markdown table, notes below it. */

import { cellText, isWords } from './cells.ts'
import type { Cell, Tabular } from './tabular.ts'

export function renderMarkdown({ columns, rows, notes }: Tabular): string {
  const line = (texts: readonly string[]) => `| ${texts.join(' | ')} |`
  const rule = columns.map((_, i) => (isWords(rows.map((row) => row[i])) ? ':--' : '--:'))
  const table = [
    line(columns.map(({ title }) => escaped(title))),
    line(rule),
    ...rows.map((row) => line(row.map(cell))),
  ]
  const below = notes.length > 0 ? ['', notes.join('  \n')] : []
  return `${[...table, ...below].join('\n')}\n`
}

function cell(content: Cell): string {
  const text = escaped(cellText(content))
  return content.kind === 'statistic' && content.best ? `**${text}**` : text
}

/** Two of `~`, as architectures have them, would strike out what is between. */
const escaped = (text: string): string => text.replace(/[|\\`*~]|<(?=\S)/g, '\\$&').replace(/\n/g, ' ')
