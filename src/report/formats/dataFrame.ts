/** Writes a table as a file from which Polars, DuckDB and pandas read a data frame: Arrow IPC or Parquet. */
import { parquetWriteBuffer } from 'hyparquet-writer'
import { loadArrow } from '../../tables/arrowLibrary.ts'
import { type Cell, exactText, partOf, partsOf, type Tabular } from './tabular.ts'

/** A column of a data frame: texts or numbers; null for unknown values. */
type FrameColumn = { readonly name: string } & (
  | { readonly type: 'text'; readonly values: readonly (string | null)[] }
  | { readonly type: 'number'; readonly values: readonly (number | null)[] }
)

/**
 * Returns a table as the bytes of an Arrow IPC file. Texts become Utf8 columns, numbers Float64 columns, and unknown
 * values null. A column of statistics becomes three: mean, standard deviation and number of values; a column of
 * quantities becomes two: value and unit. In a column with texts, numbers are texts, too.
 */
export function renderArrow(table: Tabular): Uint8Array {
  const arrow = loadArrow()
  const vectors = columnsOf(table).map(({ name, type, values }) => {
    const vector =
      type === 'text'
        ? arrow.vectorFromArray(values, new arrow.Utf8())
        : arrow.vectorFromArray(values, new arrow.Float64())
    return [name, vector] as const
  })
  return arrow.tableToIPC(new arrow.Table(Object.fromEntries(vectors)), 'file')
}

/** Returns a table as the bytes of a Parquet file, with the same columns as in `renderArrow`. */
export function renderParquet(table: Tabular): Uint8Array {
  const columnData = columnsOf(table).map(({ name, type, values }) => ({
    name,
    data: [...values],
    type: type === 'text' ? ('STRING' as const) : ('DOUBLE' as const),
    nullable: true,
  }))
  return new Uint8Array(parquetWriteBuffer({ columnData }))
}

function columnsOf({ columns, rows }: Tabular): FrameColumn[] {
  return columns.flatMap(({ key: name }, i): FrameColumn[] => {
    const cells = rows.map((row) => row[i])
    if (cells.some(({ kind }) => kind === 'text')) return [{ name, type: 'text', values: cells.map(textOf) }]
    const parts = partsOf(cells)
    if (parts.length === 0) return [{ name, type: 'number', values: cells.map(numberOf) }]
    return parts.map((part) => {
      const values = cells.map((cell) => partOf(cell, part))
      return part === 'unit'
        ? {
            name: `${name} ${part}`,
            type: 'text',
            values: values.map((value) => (value === undefined ? null : String(value))),
          }
        : {
            name: `${name} ${part}`,
            type: 'number',
            values: values.map((value) => (value === undefined ? null : Number(value))),
          }
    })
  })
}

const textOf = (cell: Cell): string | null => (cell.kind === 'absent' ? null : exactText(cell))

const numberOf = (cell: Cell): number | null => (cell.kind === 'number' ? cell.value : null)
