/** Renders tables for a report's HTML page, with groups of rows and buttons that copy them in other formats. */
import { whyOpen } from '../comparison/claims.ts'
import { LEVEL, type MatrixCell, type PairwiseMatrix } from '../comparison/pairwiseTable.ts'
import { renderTable } from '../formats/renderTable.ts'
import { type Cell, cellText, exactText, isWords, type RowGroup, type Tabular } from '../formats/tabular.ts'
import { escaped } from '../pictures/drawingSvg.ts'

/** A text in a table that is longer than this many characters gets an HTML class that allows line breaks in it. */
const LONG = 60

/** The formats in which a table of the page can be copied, with the label of the button. */
export const COPY_FORMATS = { latex: 'LaTeX', md: 'Markdown', csv: 'CSV' } as const

/** Returns the texts that the copy buttons of a table copy, by format. */
export const copiesOf = (table: Tabular): Readonly<Record<keyof typeof COPY_FORMATS, string>> => ({
  latex: renderTable(table, 'latex'),
  md: renderTable(table, 'md'),
  csv: renderTable(table, 'csv'),
})

/**
 * Returns a table as HTML, which the page's script makes sortable within its groups of rows.
 * @param name name of the table, by which the page's script finds the texts to copy; absent: the table has no copy
 * buttons
 */
export function tableHtml(table: Tabular, name?: string): string {
  const { columns, rows, notes, groups = [{ title: '', rows: rows.length }] } = table
  const words = columns.map((_, i) => isWords(rows.map((row) => row[i]).filter(({ kind }) => kind !== 'absent')))
  const head = columns.map(
    ({ title }, i) => `<th${words[i] ? ' class="words"' : ''}><button type="button">${escaped(title)}</button></th>`,
  )
  const bodies = bodiesOf(rows, groups).map(({ title, own }) => {
    const heading =
      title === '' || groups.length === 1
        ? ''
        : `<tr class="group"><th colspan="${columns.length}" scope="rowgroup">${escaped(title)}</th></tr>\n`
    const lines = own.map((row) => `<tr>${row.map((cell, i) => cellHtml(cell, words[i])).join('')}</tr>`)
    return `<tbody>\n${heading}${lines.join('\n')}\n</tbody>`
  })
  const content = `<table><thead><tr>${head.join('')}</tr></thead>${bodies.join('\n')}</table>`
  return `${copyButtons(name)}<div class="scroll" tabindex="0">${content}</div>${notes.map(noteHtml).join('')}`
}

const noteHtml = (note: string): string => `<p class="note">${escaped(note)}</p>`

function copyButtons(name: string | undefined): string {
  if (name === undefined) return ''
  const buttons = Object.entries(COPY_FORMATS).map(
    ([format, label]) => `<button type="button" data-copy="${escaped(name)}" data-format="${format}">${label}</button>`,
  )
  return `<div class="tools" data-quiet><span>Copy as</span> ${buttons.join(' ')}</div>`
}

function bodiesOf(rows: Tabular['rows'], groups: readonly RowGroup[]) {
  let start = 0
  return groups.map(({ title, rows: count }) => {
    start += count
    return { title, own: rows.slice(start - count, start) }
  })
}

function cellHtml(cell: Cell, words: boolean): string {
  const text = cellText(cell)
  const classes = [
    ...(words ? ['words'] : []),
    ...(cell.kind === 'statistic' && cell.best ? ['best'] : []),
    ...(text.length > LONG ? ['long'] : []),
    ...(VERDICTS[text] === undefined ? [] : [VERDICTS[text]]),
  ]
  const name = classes.length > 0 ? ` class="${classes.join(' ')}"` : ''
  return `<td${name} data-value="${escaped(exactText(cell))}">${escaped(text)}</td>`
}

/** HTML class of each verdict in the table of claims. */
const VERDICTS: Readonly<Record<string, string | undefined>> = {
  holds: 'holds',
  'does not hold': 'fails',
  'cannot be judged': 'open',
}

/**
 * Returns the table of claims as HTML: the claim with its place in the paper, what the runs show, and the verdict with
 * its rule collapsed below it. A claim that cannot be judged shows why, such as `not run yet`
 * or `not at this size`.
 */
export function claimsHtml({ rows, notes }: Tabular, name: string): string {
  const lines = rows.map((row) => {
    const [claim, source, here, verdict, rule] = row.map(cellText)
    const verdictClass = VERDICTS[verdict] ?? 'open'
    return `<tr><td class="words"><b>${escaped(claim)}</b><br><span class="note">${escaped(source)}</span></td><td class="words">${escaped(here)}</td><td class="words"><details><summary class="${verdictClass}">${escaped(verdictClass === 'open' ? whyOpen(here) : verdict)}</summary>${escaped(rule)}</details></td></tr>`
  })
  const head = ['Claim, and where', 'Here', 'Verdict, and its rule'].map((title) => `<th class="words">${title}</th>`)
  const content = `<table class="claims"><thead><tr>${head.join('')}</tr></thead><tbody>\n${lines.join('\n')}\n</tbody></table>`
  return `${notes.map(noteHtml).join('')}${copyButtons(name)}<div class="scroll" tabindex="0">${content}</div>`
}

/**
 * Returns the matrix of paired differences as HTML, below the sentence that sums up its tests.
 * @param name name of the matrix, by which the page's script finds the texts to copy
 */
export function matrixHtml({ title, sentence, labels, cells }: PairwiseMatrix, isNamed: boolean, name: string): string {
  const largest = Math.max(...cells.flat().map((cell) => Math.abs(cell?.difference ?? 0)))
  const head = labels.map((label) => `<th><span>${escaped(label)}</span></th>`).join('')
  const rows = cells.map(
    (row, i) =>
      `<tr><th class="words">${escaped(labels[i])}</th>${row.map((cell) => matrixCell(cell, largest)).join('')}</tr>`,
  )
  return [
    ...(isNamed ? [`<h3>${escaped(title)}</h3>`] : []),
    `<p>${escaped(sentence)}</p>`,
    copyButtons(name),
    `<div class="scroll" tabindex="0"><table class="matrix"><thead><tr><td></td>${head}</tr></thead><tbody>`,
    ...rows,
    '</tbody></table></div>',
  ].join('\n')
}

function matrixCell(cell: MatrixCell | undefined, largest: number): string {
  if (cell === undefined) return '<td></td>'
  const { difference, p } = cell
  const size = Math.abs(difference).toFixed(Math.abs(difference) < 10 ? 2 : 1)
  const sign = Number(size) === 0 ? '' : difference > 0 ? '+' : '−'
  const text = `${sign}${size}`
  const strength = largest === 0 ? 0 : Math.round((60 * Math.abs(difference)) / largest)
  const side = Number(size) === 0 ? 'even' : difference > 0 ? 'ahead' : 'behind'
  const isSignificant = p !== undefined && p < LEVEL
  const about = p === undefined || p >= 1 ? '' : `<small>${p < 0.001 ? '< 0.001' : p.toFixed(3)}</small>`
  return `<td class="${side}${isSignificant ? ' significant' : ''}" style="--strength:${strength}%">${text}${isSignificant ? '*' : ''}${about}</td>`
}
