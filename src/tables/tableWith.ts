/** Finds the table that a query is about when the user names none: the only one with the requested columns. */
import { BenchError } from '../core/errors.ts'
import { parseQualifier, type Qualifier } from '../core/metric.ts'
import { unknownName } from '../core/names.ts'
import { isAccuracy } from './columnNames.ts'
import type { Manifest } from './manifest.ts'
import { listTables, type OpenOptions, openManifest } from './openTable.ts'
import { agrees, type QualifierFilter, qualifiersIn } from './query.ts'

/** What a query requires of a table. */
export interface TableRequirements {
  /** Names of columns that the table must have. */
  readonly columns?: readonly string[]
  /** Filter that at least one column of accuracies must pass. */
  readonly filter?: QualifierFilter
  /** Tells whether the table may be of a space; absent: of any. */
  readonly ofSpace?: (name: string) => boolean
}

/**
 * Returns the name of the only table that meets the requirements. Tables that cannot be read are ignored if another one
 * does.
 * @throws BenchError `unknown-name` or `missing` if no table does, `bad-input` with the names of the tables if several
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

/** Tells whether every table meets the requirements. */
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
 * Makes the error if no table meets the requirements: names a column that no table has, or says that no single table
 * has all.
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
