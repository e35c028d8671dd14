/** Writes a table as an Arrow IPC file, which Polars, DuckDB and pandas read. */
import { loadArrow } from '../../tables/arrowLibrary.ts'
import type { Cell, Tabular } from './tabular.ts'

/**
 * Returns the bytes of an Arrow IPC file with a table: texts as Utf8 columns, numbers as Float64, of a mean ± deviation
 * only the mean, and unknown values as null.
 */
export function renderArrow({ columns, rows }: Tabular): Uint8Array {
  const arrow = loadArrow()
  const vectors = columns.map(({ key }, i) => {
    const cells = rows.map((row) => row[i])
    const words = cells.some(({ kind }) => kind === 'text')
    return [key, words ? arrow.vectorFromArray(cells.map(textOf), new arrow.Utf8()) : numbers(cells)] as const
  })
  return arrow.tableToIPC(new arrow.Table(Object.fromEntries(vectors)), 'file')

  function numbers(cells: readonly Cell[]) {
    return arrow.vectorFromArray(cells.map(numberOf), new arrow.Float64())
  }
}

const textOf = (cell: Cell): string | null => (cell.kind === 'text' ? cell.text : null)

function numberOf(cell: Cell): number | null {
  if (cell.kind === 'number') return cell.value
  return cell.kind === 'statistic' ? cell.mean : null
}
