/** One record a row, those of others with `published`, and the notes. */
import type { Cell, Tabular } from './tabular.ts'

export function renderJson({ columns, rows, notes, commands, apart = 0 }: Tabular): string {
  const records = rows.map((row, at) => ({
    ...Object.fromEntries(row.map((cell, i) => [columns[i].key, plain(cell)])),
    ...(at >= rows.length - apart && { published: true }),
  }))
  return `${JSON.stringify({ rows: records, notes, ...(commands && { commands: commands.lines }) }, null, 2)}\n`
}

function plain(cell: Cell): unknown {
  switch (cell.kind) {
    case 'text':
      return cell.text
    case 'number':
      return cell.value
    case 'statistic':
      return { mean: cell.mean, std: cell.std ?? null, n: cell.n, ...(cell.best ? { best: true } : {}) }
    case 'absent':
      return null
  }
}
