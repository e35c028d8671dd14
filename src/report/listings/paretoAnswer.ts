/**
 * Computes the Pareto front of the architectures of a lookup table with respect to two columns. A column may also come
 * from a file with measurements on a device, such as latencies.
 */
import { BenchError } from '../../core/errors.ts'
import { unknownName } from '../../core/names.ts'
import { openSpaces } from '../../spaces/index.ts'
import { isAccuracy, isSize } from '../../tables/columnNames.ts'
import type { NumberColumn } from '../../tables/columns.ts'
import { openTable } from '../../tables/openTable.ts'
import { type Better, type FrontPoint, paretoFront, pointsOf } from '../../tables/query.ts'
import type { Table } from '../../tables/table.ts'
import { tableWith } from '../../tables/tableWith.ts'

/**
 * The Pareto front that a user asks for: a lookup table, two columns, and for each whether higher or lower values are
 * better.
 */
export interface ParetoQuestion {
  /** Name or path of the lookup table; absent: the only installed table that has both columns. */
  readonly table?: string
  /** Plugins that define the search space of the lookup table: files or packages, as after `--plugin`. */
  readonly plugin?: readonly string[]
  readonly x: string
  readonly y: string
  readonly xBetter: Better
  readonly yBetter: Better
  /** Paths of CSV files with measurements of the architectures on devices, such as latencies. */
  readonly hardware?: readonly string[]
  /** Path of a YAML file that says which columns of the `hardware` files to use and under what names. */
  readonly mapping?: string
}

export interface ParetoAnswer {
  readonly table: Table
  /** All architectures of the lookup table that have values in both columns. */
  readonly points: readonly FrontPoint[]
  readonly front: readonly FrontPoint[]
}

/**
 * Returns the Pareto front of a lookup table with respect to two columns.
 * @throws BenchError `missing` if no architecture has both values, `unknown-name` for a column that does not exist,
 * `bad-input` if two hardware files have the same column
 */
export async function paretoAnswer(question: ParetoQuestion): Promise<ParetoAnswer> {
  const { x, y, xBetter, yBetter, hardware } = question
  // With hardware files, columns other than accuracies and sizes may come from those files.
  const required = [x, y].filter((name) => hardware === undefined || isAccuracy(name) || isSize(name))
  const table = await openTable(question.table ?? (await tableWith({ columns: required })))
  const joined = await hardwareColumns(table, question)
  const points = pointsOf(table.rows, columnNamed(x, table, joined), columnNamed(y, table, joined))
  if (points.length === 0) {
    throw new BenchError('missing', `no architecture of table ${table.manifest.name} has both ${x} and ${y}`)
  }
  return { table, points, front: paretoFront(points, xBetter, yBetter) }
}

/** Returns the columns of the files with device measurements, with one value for each row of the lookup table. */
async function hardwareColumns(
  table: Table,
  { hardware = [], mapping, plugin = [] }: ParetoQuestion,
): Promise<NumberColumn[]> {
  if (hardware.length === 0) return []
  const { joinedColumns } = await import('../../tables/joinTables.ts')
  const { readMapping } = await import('../../tables/importers/mapping.ts')
  const { spaceIndex } = await import('../../tables/spaceIndex.ts')
  const space = spaceIndex((await openSpaces(plugin)).space(table.manifest.space))
  const names = mapping === undefined ? undefined : await readMapping(mapping)
  const columns = (await Promise.all(hardware.map((path) => joinedColumns(table, space, path, names)))).flat()
  const duplicate = columns.find(({ name }, i) => columns.findIndex((other) => other.name === name) < i)
  if (duplicate === undefined) return columns
  throw new BenchError('bad-input', `two of the --hardware files have a column "${duplicate.name}"; rename one of them`)
}

/**
 * Returns the column with the given name from the files with device measurements, or else from the lookup table.
 * @throws BenchError `unknown-name` with the nearest name
 */
function columnNamed(name: string, table: Table, joined: readonly NumberColumn[]): NumberColumn {
  const found = joined.find((column) => column.name === name)
  if (found !== undefined) return found
  if (table.has(name)) return table.column(name)
  throw unknownName(
    'column',
    name,
    [...table.manifest.columns, ...joined].map((column) => column.name),
  )
}
