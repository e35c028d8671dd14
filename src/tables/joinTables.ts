/**
 * Joins imported tables with different datasets, architectures or training seeds to one table. Also adds columns of a
 * CSV or Parquet file to an open table. Values that two tables have in common must be equal. Means over the training
 * seeds are computed again over the seeds of all tables.
 */
import { createHash } from 'node:crypto'
import { BenchError } from '../core/errors.ts'
import type { NumberColumn } from './columns.ts'
import type { NumbersContent, TableContent, TextsContent } from './content.ts'
import { checkSpace, identityMapping, type Mapping } from './importers/mapping.ts'
import { readLimited } from './importers/readSource.ts'
import { columnOrder, seedsOf } from './importers/trainingRuns.ts'
import type { Manifest } from './manifest.ts'
import { manifestPath, type OpenOptions, openTable } from './openTable.ts'
import { curveBatches } from './readCurves.ts'
import type { SpaceIndex } from './spaceIndex.ts'
import type { Table } from './table.ts'
import { type CurvesBatch, writeCurves } from './writeCurves.ts'
import { writeTable } from './writeTable.ts'

export interface JoinOptions extends OpenOptions {
  readonly name: string
  readonly folder: string
  readonly space: SpaceIndex
}

/**
 * Joins imported tables and writes the result as a new table.
 * @param names names or paths of the tables; at least one
 * @throws BenchError `bad-input` if two tables are of different search spaces, or have different values in the same
 * place
 */
export async function joinTables(names: readonly string[], options: JoinOptions): Promise<Manifest> {
  const { name, folder, space } = options
  const tables = await Promise.all(names.map((table) => openTable(table, options)))
  const content = contentOf(tables, space)
  const paths = await Promise.all(names.map((table) => manifestPath(table, options)))
  const curves = await writeCurves(folder, name, allCurves(tables, paths))
  return writeTable(folder, name, space, content, curves)
}

function* allCurves(tables: readonly Table[], paths: readonly string[]): Generator<CurvesBatch> {
  for (const [i, { manifest }] of tables.entries()) {
    if (manifest.curves !== undefined) yield* curveBatches(paths[i], manifest.curves)
  }
}

function contentOf(tables: readonly Table[], space: SpaceIndex): TableContent {
  const otherSpace = tables.find(({ manifest }) => manifest.space !== space.name)
  if (otherSpace !== undefined) {
    const { name, space: other } = otherSpace.manifest
    throw new BenchError('bad-input', `table ${name} is of space ${other}, the others of ${space.name}`)
  }
  const architectures = architecturesOf(tables, space)
  const arch = [...architectures.keys()]
  const manifests = tables.map(({ manifest }) => manifest)
  const names = (isText: boolean) => [
    ...new Set(
      manifests.flatMap(({ columns }) => columns.filter(({ type }) => (type === 'utf8') === isText)).map((c) => c.name),
    ),
  ]
  const numberNames = names(false).filter((name) => name !== 'index')
  const texts = names(true).filter((name) => name !== 'arch')
  return {
    index: Int32Array.from(architectures.values()),
    arch,
    numbers: numbers(tables, numberNames.sort(columnOrder), arch),
    texts: texts.map((name): TextsContent => ({ name, values: values(tables, name, arch, textAt) })),
    source: {
      format: 'merged',
      name: manifests.map(({ name }) => name).join(', '),
      sha256: createHash('sha256')
        .update(manifests.map(({ table }) => table.sha256).join())
        .digest('hex'),
    },
    notes: [...new Set(manifests.flatMap(({ notes }) => notes))],
  }
}

/**
 * Returns a map from architecture string to index with the architectures of all tables, in the order of the indices. In
 * a search space without numbering, architectures are numbered in the order of the tables.
 */
function architecturesOf(tables: readonly Table[], { size }: SpaceIndex): ReadonlyMap<string, number> {
  const indexOf = new Map<string, number>()
  for (const table of tables) {
    for (const index of table.indices()) {
      const arch = table.arch(index) ?? ''
      if (!indexOf.has(arch)) indexOf.set(arch, size === null ? indexOf.size : index)
    }
  }
  return new Map([...indexOf].sort(([, a], [, b]) => a - b))
}

function numbers(tables: readonly Table[], names: readonly string[], archs: readonly string[]): NumbersContent[] {
  const columns = new Map<string, NumbersContent>()
  // Means last, since they are computed from the other columns.
  for (const name of [...names].sort((a, b) => Number(isMean(a)) - Number(isMean(b)))) {
    const seeds = isMean(name) ? seedColumns(name, tables, columns) : undefined
    const column =
      seeds === undefined
        ? Float64Array.from(values(tables, name, archs, numberAt), (value) => value ?? Number.NaN)
        : meansOf(seeds)
    columns.set(name, { name, values: column, ...statedSeeds(name, names, tables) })
  }
  return names.map((name) => columns.get(name) as NumbersContent)
}

const isMean = (name: string): boolean => name.endsWith('/mean')

/**
 * Returns the columns of single training seeds from which a mean column is computed again. Undefined if the means stay
 * as they are: fewer than two tables have the column, or one of them lacks the columns of its seeds.
 */
function seedColumns(name: string, tables: readonly Table[], columns: ReadonlyMap<string, NumbersContent>) {
  const holding = tables.filter((table) => table.has(name))
  const place = name.slice(0, -'mean'.length)
  const isDerived = (table: Table) => {
    const { seeds = [] } = table.manifest.columns.find((column) => column.name === name) ?? {}
    return seeds.length > 0 && seeds.every((seed) => table.has(`${place}${seed}`))
  }
  if (holding.length < 2 || !holding.every(isDerived)) return undefined
  return [...columns.values()].filter((column) => column.name.startsWith(place))
}

/** Returns for each row the mean of its values in several columns, without missing values. */
function meansOf(columns: readonly NumbersContent[]): Float64Array {
  return Float64Array.from(columns[0].values, (_, row) => {
    const known = columns.map((column) => column.values[row]).filter((value) => !Number.isNaN(value))
    return known.reduce((sum, value) => sum + value, 0) / known.length
  })
}

/**
 * Returns the training seeds whose mean a column contains: those stated in the tables' manifests, else those for which
 * there are columns.
 */
function statedSeeds(name: string, names: readonly string[], tables: readonly Table[]): { seeds?: readonly number[] } {
  if (!isMean(name)) return {}
  const stated = tables.flatMap(({ manifest }) => manifest.columns.find((column) => column.name === name)?.seeds ?? [])
  const seeds = [...new Set(stated)].sort((a, b) => a - b)
  return seeds.length > 0 ? { seeds } : seedsOf(name, names)
}

const numberAt = (table: Table, name: string) => table.column(name).at
const textAt = (table: Table, name: string) => table.text(name).at

/**
 * Returns a column's value for each architecture, from any table that has it; null if it is missing in all.
 * @throws BenchError `bad-input` if two tables have different values
 */
function values<T extends string | number>(
  tables: readonly Table[],
  name: string,
  archs: readonly string[],
  columnOf: (table: Table, name: string) => (row: number) => T | undefined,
): (T | null)[] {
  const readers = tables.filter((each) => each.has(name)).map((table) => ({ table, at: columnOf(table, name) }))
  return archs.map((arch) => {
    const known = readers.flatMap(({ table, at }) => {
      const value = at(rowOf(table, arch))
      return value === undefined ? [] : [{ value, table: table.manifest.name }]
    })
    const [first, ...others] = known
    const other = others.find(({ value }) => value !== first.value)
    if (other === undefined) return first?.value ?? null
    const found = `${first.table} has ${first.value}, ${other.table} has ${other.value}`
    throw new BenchError('bad-input', `the tables disagree about ${name} of ${arch}: ${found}; leave one of them out`)
  })
}

/**
 * Returns the row number of an architecture in the table; if the table lacks it, −1, for which every column returns
 * undefined.
 */
const rowOf = (table: Table, arch: string): number => {
  const index = table.find(arch)
  return (index === undefined ? undefined : table.row(index)) ?? -1
}

/**
 * Returns numeric columns from a CSV or Parquet file, such as latencies on a device, with values in the order of an
 * open table's rows.
 * @param path file with a column of architectures and columns such as `latency:pixel3`; architectures may be missing
 * @throws BenchError `bad-input` for errors in the file, and for a column that the table already has
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
