/** Columns of a flat file beside a table's own: latency and energy of architectures on devices. */
import { BenchError } from '../core/errors.ts'
import type { NumberColumn } from './columns.ts'
import { checkSpace, identityMapping, type Mapping } from './importers/mapping.ts'
import { readLimited } from './importers/readLimited.ts'
import type { SpaceIndex } from './spaceIndex.ts'
import type { Table } from './table.ts'

/**
 * @param path CSV or Parquet file with a column of architectures and columns of numbers, as `latency:pixel3`; it may lack architectures
 * @throws BenchError `bad-input` for what is wrong in the file, and for names that the table has itself
 */
export async function joinedColumns(
  table: Table,
  space: SpaceIndex,
  path: string,
  mapping: Mapping = identityMapping,
): Promise<NumberColumn[]> {
  checkSpace(mapping, space.name)
  const { content } = await readLimited(path, { space, partial: true, mapping, withCurves: false, jobs: 1 })
  const { arch, numbers, source } = content
  const twice = numbers.find(({ name }) => table.has(name))
  if (twice !== undefined) {
    throw new BenchError(
      'bad-input',
      `${source.name}: table ${table.manifest.name} has a column "${twice.name}" itself`,
    )
  }
  const lineOf = new Map(arch.map((architecture, line) => [table.row(table.find(architecture) ?? -1), line]))
  return numbers.map(({ name, values }) => ({
    name,
    at: (row) => {
      const value = values[lineOf.get(row) ?? -1]
      return value === undefined || Number.isNaN(value) ? undefined : value
    },
  }))
}
