/** A LaTeX table with booktabs rules, to be pasted into a paper; the notes are comments above it. */

import { isWords, numberText } from './cells.ts'
import type { Cell, Tabular } from './tabular.ts'

export function renderLatex({ columns, rows, notes }: Tabular): string {
  const alignment = columns.map((_, i) => (isWords(rows.map((row) => row[i])) ? 'l' : 'r')).join('')
  const line = (cells: readonly string[]) => `  ${cells.join(' & ')} \\\\`
  return `${[
    ...notes.map((note) => `% ${note.replace(/\n/g, ' ')}`),
    '% needs \\usepackage{booktabs}',
    `\\begin{tabular}{${alignment}}`,
    '  \\toprule',
    line(columns.map(({ title }) => escaped(title))),
    '  \\midrule',
    ...rows.map((row) => line(row.map(cell))),
    '  \\bottomrule',
    '\\end{tabular}',
  ].join('\n')}\n`
}

function cell(content: Cell): string {
  switch (content.kind) {
    case 'text':
      return escaped(content.text)
    case 'number':
      return `$${numberText(content)}$`
    case 'statistic': {
      const std = content.std === undefined ? '\\textrm{---}' : content.std.toFixed(content.digits)
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
  // In LaTeX's usual font encoding these are other signs.
  '|': '\\textbar{}',
  '<': '\\textless{}',
  '>': '\\textgreater{}',
  '—': '---',
  '±': '$\\pm$',
  '×': '$\\times$',
}

const escaped = (text: string): string => text.replace(/[\\~^|<>—±×&%$#_{}]/g, (sign) => SPECIAL[sign] ?? `\\${sign}`)
