/**
 * One table of several that were imported: further datasets, architectures or seeds. A number that two of them have must
 * be the same in both; only means over seeds are made again, of all seeds that then are there.
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
 * @param names of tables, or their paths; at least one
 * @throws BenchError `bad-input` where two tables are of different spaces, or disagree about a number
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
  const given = names(false).filter((name) => name !== 'index')
  const texts = names(true).filter((name) => name !== 'arch')
  return {
    index: Int32Array.from(architectures.values()),
    arch,
    numbers: numbers(tables, given.sort(columnOrder), arch),
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

/** Each architecture of any table ↦ its index, ascending; in a space that numbers none, its place in their order. */
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
  // Means last, for they are made of the others.
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

/** The columns of seeds that a mean is over, where several tables have it and each has all that its own is over. */
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

/** Of each row, over the numbers that are there. */
function meansOf(columns: readonly NumbersContent[]): Float64Array {
  return Float64Array.from(columns[0].values, (_, row) => {
    const known = columns.map((column) => column.values[row]).filter((value) => !Number.isNaN(value))
    return known.reduce((sum, value) => sum + value, 0) / known.length
  })
}

/** As the tables state them, or as the columns beside a mean show. */
function statedSeeds(name: string, names: readonly string[], tables: readonly Table[]): { seeds?: readonly number[] } {
  if (!isMean(name)) return {}
  const stated = tables.flatMap(({ manifest }) => manifest.columns.find((column) => column.name === name)?.seeds ?? [])
  const seeds = [...new Set(stated)].sort((a, b) => a - b)
  return seeds.length > 0 ? { seeds } : seedsOf(name, names)
}

const numberAt = (table: Table, name: string) => table.column(name).at
const textAt = (table: Table, name: string) => table.text(name).at

/** One value an architecture. @throws BenchError `bad-input` where two tables have different ones */
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

/** -1, where no column has a value, for what the table lacks. */
const rowOf = (table: Table, arch: string): number => {
  const index = table.find(arch)
  return (index === undefined ? undefined : table.row(index)) ?? -1
}

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
