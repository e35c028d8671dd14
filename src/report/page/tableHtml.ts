/** A table as sortable HTML. */

import { cellText, exactText, isWords } from '../formats/cells.ts'
import type { Cell, Tabular } from '../formats/tabular.ts'
import { escaped } from '../pictures/drawingSvg.ts'

const LONG = 60

export function tableHtml({ columns, rows, notes }: Tabular): string {
  const words = columns.map((_, i) => isWords(rows.map((row) => row[i]).filter(({ kind }) => kind !== 'absent')))
  const head = columns.map(
    ({ title }, i) => `<th${words[i] ? ' class="words"' : ''}><button type="button">${escaped(title)}</button></th>`,
  )
  const body = rows.map((row) => `<tr>${row.map((cell, i) => cellHtml(cell, words[i])).join('')}</tr>`)
  const table = `<table><thead><tr>${head.join('')}</tr></thead><tbody>\n${body.join('\n')}\n</tbody></table>`
  return `<div class="scroll">${table}</div>${notes.map((note) => `<p class="note">${escaped(note)}</p>`).join('')}`
}

function cellHtml(cell: Cell, words: boolean): string {
  const text = cellText(cell)
  const classes = [
    ...(words ? ['words'] : []),
    ...(cell.kind === 'statistic' && cell.best ? ['best'] : []),
    ...(text.length > LONG ? ['long'] : []),
  ]
  const name = classes.length > 0 ? ` class="${classes.join(' ')}"` : ''
  return `<td${name} data-value="${escaped(exactText(cell))}">${escaped(text)}</td>`
}
