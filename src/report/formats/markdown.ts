/** A Markdown table, notes below it. */

import { cellText, isWords } from './cells.ts'
import type { Cell, Tabular } from './tabular.ts'

export function renderMarkdown({ columns, rows, notes, commands }: Tabular): string {
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
 * What would be markup: two of `~`, as architectures have them, strike out what is between; `_` does something at the end
 * of a word alone, `<` before a letter, `&` in an entity, and brackets in links, their definitions and footnotes.
 */
const MARKUP = /[|\\`*~]|\](?=[([:])|\[(?=\^)|<(?=\S)|&(?=#?\w+;)|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu

const escaped = (text: string): string => text.replace(MARKUP, '\\$&')

/** At the beginning of a line a few more signs are markup: of headings, quotations and lists. */
const noteText = (note: string): string =>
  escaped(note)
    .replace(/^(\s*)([#>+=-])/, '$1\\$2')
    .replace(/^(\s*\d+)([.)])(?=\s)/, '$1\\$2')
