/** Arranges a table as the user asks: selects its columns and sorts its rows. */
import { unknownName } from '../../core/names.ts'
import type { Cell, Tabular } from './tabular.ts'

/**
 * Returns a table with its first column, followed by the chosen columns in the order of `names`.
 * @param names titles or keys of columns; upper and lower case are equal
 * @throws BenchError `unknown-name`
 */
export function withColumns(table: Tabular, names: readonly string[]): Tabular {
  const wanted = names.map((name) => positionOf(table, name)).filter((at) => at !== 0)
  const kept = [0, ...new Set(wanted)]
  return {
    ...table,
    columns: kept.map((at) => table.columns[at]),
    rows: table.rows.map((row) => kept.map((at) => row[at])),
  }
}

/**
 * Returns a table whose rows are sorted by a column within each group of rows: numbers and means in descending order,
 * texts alphabetically, empty cells last.
 * @throws BenchError `unknown-name`
 */
export function sortedBy(table: Tabular, name: string): Tabular {
  const at = positionOf(table, name)
  const { rows, apart = 0 } = table
  const groups = table.groups ?? [{ rows: rows.length - apart }, { rows: apart }]
  let start = 0
  const sorted = groups.flatMap((group) => {
    start += group.rows
    return rows.slice(start - group.rows, start).toSorted((a, b) => order(a[at], b[at]))
  })
  return { ...table, rows: sorted }
}

function order(a: Cell, b: Cell): number {
  const [first, second] = [sortValue(a), sortValue(b)]
  if (first === undefined || second === undefined) return Number(first === undefined) - Number(second === undefined)
  if (typeof first === 'number' && typeof second === 'number') return second - first
  return String(first) < String(second) ? -1 : Number(String(first) > String(second))
}

function sortValue(cell: Cell): string | number | undefined {
  switch (cell.kind) {
    case 'absent':
      return undefined
    case 'text': {
      // Intervals and medians are texts that begin with their number.
      const value = Number.parseFloat(cell.text)
      return Number.isNaN(value) ? cell.text : value
    }
    case 'number':
    case 'quantity':
      return cell.value
    case 'statistic':
      return cell.mean
  }
}

function positionOf({ columns }: Tabular, name: string): number {
  const typed = name.toLowerCase()
  const at = columns.findIndex(({ title, key }) => title.toLowerCase() === typed || key.toLowerCase() === typed)
  if (at >= 0) return at
  throw unknownName(
    'column',
    name,
    columns.map(({ title }) => title),
  )
}
