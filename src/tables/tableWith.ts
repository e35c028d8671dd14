/**
 * Chooses the lookup table for a query in which the user names none: the only table with the columns that the query
 * needs.
 */
import { BenchError } from '../core/errors.ts'
import { parseQualifier, type Qualifier } from '../core/metric.ts'
import { unknownName } from '../core/names.ts'
import { isAccuracy } from './columnNames.ts'
import type { Manifest } from './manifest.ts'
import { listTables, type OpenOptions, openManifest } from './openTable.ts'
import { agrees, type QualifierFilter, qualifiersIn } from './query.ts'

/** What a query requires of a lookup table: columns, accuracies and search space. */
export interface TableRequirements {
  /** Names of the columns that the table must have. */
  readonly columns?: readonly string[]
  /** Dataset, split, epochs or seed for which the table must have an accuracy column. */
  readonly filter?: QualifierFilter
  /** Returns whether the table may belong to the search space with this name; absent: any search space. */
  readonly ofSpace?: (name: string) => boolean
}

/**
 * Returns the name of the only table that meets the requirements. If there is one, tables that cannot be read are
 * ignored.
 * @throws BenchError `unknown-name` or `missing` if no table meets them, `bad-input` that names the tables if several
 * do
 */
export async function tableWith(wanted: TableRequirements, options: OpenOptions = {}): Promise<string> {
  const names = await listTables(options)
  const read = await Promise.allSettled(
    names.map(async (name) => ({ name, manifest: await openManifest(name, options) })),
  )
  const tables = read.flatMap((outcome) => (outcome.status === 'fulfilled' ? outcome.value : []))
  const fitting = tables.filter(({ manifest }) => meets(manifest, wanted)).map(({ name }) => name)
  if (fitting.length === 1) return fitting[0]
  if (fitting.length > 1) {
    const have = isAnyTable(wanted) ? 'are here' : `have ${describe(wanted)}`
    throw new BenchError(
      'bad-input',
      `${fitting.length} tables ${have}: ${fitting.join(', ')}; name one, as --table ${fitting[0]}`,
    )
  }
  const [broken] = read.flatMap((outcome) => (outcome.status === 'rejected' ? (outcome.reason as Error) : []))
  throw (
    broken ??
    noTableError(
      tables.map(({ manifest }) => manifest),
      wanted,
    )
  )
}

const meets = (manifest: Manifest, { columns = [], filter = {}, ofSpace }: TableRequirements): boolean =>
  (ofSpace?.(manifest.space) ?? true) &&
  columns.every((name) => manifest.columns.some((column) => column.name === name)) &&
  accuraciesOf(manifest).some((qualifier) => agrees(qualifier, filter))

const accuraciesOf = ({ columns }: Manifest): Qualifier[] =>
  columns.filter(({ name }) => isAccuracy(name)).map(({ name }) => parseQualifier(name))

/** Returns whether there are no requirements, so that every table meets them. */
const isAnyTable = ({ columns = [], filter = {} }: TableRequirements): boolean =>
  columns.length === 0 && describeFilter(filter) === ''

const describe = ({ columns = [], filter = {} }: TableRequirements): string =>
  [...columns, ...[describeFilter(filter)].filter((text) => text !== '')].join(', ')

const describeFilter = ({ dataset, split, epochs, seed }: QualifierFilter): string =>
  Object.entries({ dataset, split, epochs, seed })
    .filter(([, value]) => value !== undefined)
    .map(([part, value]) => `${part} ${value}`)
    .join(' ')

/**
 * Returns the error for requirements that no table meets. It names a column that no table has, or says that no single
 * table has all of them.
 */
function noTableError(manifests: readonly Manifest[], wanted: TableRequirements): BenchError {
  const { columns = [], filter = {}, ofSpace } = wanted
  const tables = manifests.filter(({ space }) => ofSpace?.(space) ?? true)
  const known = [...new Set(tables.flatMap((manifest) => manifest.columns.map(({ name }) => name)))]
  const unknown = columns.find((name) => !known.includes(name))
  if (unknown !== undefined) return unknownName('column of the tables here', unknown, known)
  if (tables.length > 0) qualifiersIn('the tables here', tables.flatMap(accuraciesOf), filter)
  const here = manifests.map(({ name, space }) => `${name} of ${space}`).join(', ') || 'none'
  return new BenchError(
    'missing',
    `no one table has ${describe(wanted) || 'these architectures'} (there are: ${here}); \`bench tables import --help\` says how to get others`,
  )
}
