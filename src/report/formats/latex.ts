/** Prints a table as LaTeX with booktabs rules, to be pasted into a paper. Its notes become comments above it. */

import { type Cell, cellText, deviationText, isWords, numberText, type Tabular, type TabularColumn } from './tabular.ts'

/**
 * Returns the LaTeX source of a table: a `tabular` environment, and above it comments with the table's notes and the
 * name of the package it needs.
 */
export function renderLatex({ columns, rows, notes, apart = 0, groups = [] }: Tabular): string {
  const alignment = columns.map((_, i) => (isWords(rows.map((row) => row[i])) ? 'l' : 'r')).join('')
  const body = rows.map((row) => line(row.map(cell).map(guarded)))
  const sizes = groups.length > 0 ? groups.map((group) => group.rows) : [rows.length - apart, apart]
  let end = rows.length
  for (const size of sizes.slice(1).reverse()) {
    end -= size
    if (size > 0 && end > 0) body.splice(end, 0, '  \\midrule')
  }
  return `${[
    ...notes.map((note) => `% ${note}`),
    '% needs \\usepackage{booktabs}',
    `\\begin{tabular}{${alignment}}`,
    '  \\toprule',
    ...headOf(columns),
    '  \\midrule',
    ...body,
    '  \\bottomrule',
    '\\end{tabular}',
  ].join('\n')}\n`
}

/**
 * Returns the text of a cell, with `{}` before a `[` or `*` at the start of a row: LaTeX would take these for options
 * of the `\\\\` that ends the row above.
 */
const guarded = (text: string, column: number): string => (column === 0 && /^[[*]/.test(text) ? `{}${text}` : text)

const line = (cells: readonly string[]) => `  ${cells.join(' & ')} \\\\`

/** Returns the lines of the table head: the column titles, and above them the group titles if columns form groups. */
function headOf(columns: readonly TabularColumn[]): string[] {
  const groups = groupsOf(columns)
  if (groups.every(({ count }) => count === 1)) {
    return [line(columns.map(({ title }) => escaped(title)).map(guarded))]
  }
  const above = groups.map(({ title, count }) => (title === '' ? '' : `\\multicolumn{${count}}{c}{${escaped(title)}}`))
  const rules = groups.flatMap(({ title, first, count }) =>
    title === '' ? [] : [`\\cmidrule(lr){${first + 1}-${first + count}}`],
  )
  return [
    line(above),
    `  ${rules.join(' ')}`,
    line(columns.map(({ title, within }) => escaped(within === undefined ? title : within[1])).map(guarded)),
  ]
}

/**
 * Returns the columns of a table as groups of neighbours with the same group title. A column without a group title is a
 * group of one.
 */
function groupsOf(columns: readonly TabularColumn[]) {
  const groups: { title: string; first: number; count: number }[] = []
  columns.forEach(({ within: [title] = [''] }, first) => {
    const last = groups.at(-1)
    if (last !== undefined && title !== '' && last.title === title) last.count++
    else groups.push({ title, first, count: 1 })
  })
  return groups
}

function cell(content: Cell): string {
  switch (content.kind) {
    case 'text':
    case 'quantity':
      return escaped(cellText(content))
    case 'number':
      return `$${numberText(content)}$`
    case 'statistic': {
      const std = deviationText(content) ?? '\\textrm{---}'
      const both = `${content.mean.toFixed(content.digits)} \\pm ${std}`
      return content.best ? `$\\mathbf{${both}}$` : `$${both}$`
    }
    case 'absent':
      return '---'
  }
}

const SPECIAL: Readonly<Record<string, string>> = {
  '\\': '\\textbackslash{}',
  '~': '\\textasciitilde{}',
  '^': '\\textasciicircum{}',
  // LaTeX's default font encoding has other characters in these places.
  '|': '\\textbar{}',
  '<': '\\textless{}',
  '>': '\\textgreater{}',
  '—': '---',
  '†': '$^\\dagger$',
  '±': '$\\pm$',
  '×': '$\\times$',
}

const escaped = (text: string): string => text.replace(/[\\~^|<>—†±×&%$#_{}]/g, (sign) => SPECIAL[sign] ?? `\\${sign}`)
