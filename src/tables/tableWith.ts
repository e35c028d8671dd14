/** Which of the tables on this machine a question is about, where none is named. */
import { BenchError } from '../core/errors.ts'
import { parseQualifier, type Qualifier } from '../core/metric.ts'
import { unknownName } from '../core/names.ts'
import { isAccuracy } from './columnNames.ts'
import type { Manifest } from './manifest.ts'
import { listTables, type OpenOptions, openManifest } from './openTable.ts'
import { agrees, type QualifierFilter, qualifiersIn } from './query.ts'

/** What the table has to have. */
export interface Wanted {
  readonly columns?: readonly string[]
  /** One accuracy at least has to agree with it. */
  readonly filter?: QualifierFilter
  /** Whether the table may be of this space; absent: of any. */
  readonly ofSpace?: (name: string) => boolean
}

/**
 * The name of the only table that has what is asked for. Tables that cannot be read are in nobody's way, unless no other has it.
 * @throws BenchError `unknown-name` where none has it, with the nearest name, and `bad-input` where several have, with all of them
 */
export async function tableWith(wanted: Wanted, options: OpenOptions = {}): Promise<string> {
  const names = await listTables(options)
  const read = await Promise.allSettled(
    names.map(async (name) => ({ name, manifest: await openManifest(name, options) })),
  )
  const tables = read.flatMap((outcome) => (outcome.status === 'fulfilled' ? outcome.value : []))
  const fitting = tables.filter(({ manifest }) => fits(manifest, wanted)).map(({ name }) => name)
  if (fitting.length === 1) return fitting[0]
  if (fitting.length > 1) {
    const have = isOpen(wanted) ? 'are here' : `have ${describe(wanted)}`
    throw new BenchError(
      'bad-input',
      `${fitting.length} tables ${have}: ${fitting.join(', ')}; name one, as --table ${fitting[0]}`,
    )
  }
  const [broken] = read.flatMap((outcome) => (outcome.status === 'rejected' ? (outcome.reason as Error) : []))
  throw (
    broken ??
    nowhere(
      tables.map(({ manifest }) => manifest),
      wanted,
    )
  )
}

const fits = (manifest: Manifest, { columns = [], filter = {}, ofSpace }: Wanted): boolean =>
  (ofSpace?.(manifest.space) ?? true) &&
  columns.every((name) => manifest.columns.some((column) => column.name === name)) &&
  accuraciesOf(manifest).some((qualifier) => agrees(qualifier, filter))

const accuraciesOf = ({ columns }: Manifest): Qualifier[] =>
  columns.filter(({ name }) => isAccuracy(name)).map(({ name }) => parseQualifier(name))

/** Whether any table would do. */
const isOpen = ({ columns = [], filter = {} }: Wanted): boolean => columns.length === 0 && describeFilter(filter) === ''

const describe = ({ columns = [], filter = {} }: Wanted): string =>
  [...columns, ...[describeFilter(filter)].filter((text) => text !== '')].join(', ')

const describeFilter = ({ dataset, split, epochs, seed }: QualifierFilter): string =>
  Object.entries({ dataset, split, epochs, seed })
    .filter(([, value]) => value !== undefined)
    .map(([part, value]) => `${part} ${value}`)
    .join(' ')

/** A name that no table has is told first; then that no one table has all of them. */
function nowhere(manifests: readonly Manifest[], wanted: Wanted): BenchError {
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
