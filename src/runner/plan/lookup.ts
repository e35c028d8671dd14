/** Chooses the table in which a search looks architectures up, and the table's columns that are reported. */
import { createHash } from 'node:crypto'
import { BenchError } from '../../core/errors.ts'
import { formatQualifier, parseQualifier, type Qualifier } from '../../core/metric.ts'
import { nearestName, unknownName } from '../../core/names.ts'
import { benchCommand } from '../../core/plainText.ts'
import type { Headline } from '../../core/protocol.ts'
import type { Job } from '../../core/result.ts'
import type { SearchSpace } from '../../core/space.ts'
import { DATASETS } from '../../data/datasetNames.ts'
import { isAccuracy } from '../../tables/columnNames.ts'
import type { Manifest } from '../../tables/manifest.ts'
import { listTables, openManifest } from '../../tables/openTable.ts'
import { recipeHash } from '../../tables/recipe.ts'

/** The lookup table of a search, and the columns that the search reports. */
export interface Lookup {
  /** Name or path of the table that the search's architectures are looked up in; absent if nothing is looked up. */
  readonly table?: string
  readonly manifest?: Manifest
  /**
   * Table columns that the search reports: first those of the dataset searched on, then those of the transfer datasets
   * that the table has.
   */
  readonly headline: readonly Headline[]
}

/** The requirements by which `findLookup` chooses the lookup table of a search: search space, dataset and columns. */
export interface LookupRequest {
  readonly space: SearchSpace
  readonly dataset: string
  /**
   * Plugins that define the search space, as after `--plugin`. They appear in the commands that error messages suggest.
   */
  readonly plugins?: readonly string[]
  /** Name or path of the lookup table; if absent, the first table with the search space and the dataset is taken. */
  readonly table?: string
  /** The table columns that the search's protocol reports; undefined if the protocol names none. */
  readonly wanted: readonly Headline[] | undefined
}

/**
 * Returns the lookup table of a search and the columns that the search reports.
 * @throws BenchError `missing` if no table of the search space has the dataset, `bad-input` if the named table is of
 * another space or lacks the columns
 */
export async function findLookup(request: LookupRequest): Promise<Lookup> {
  const { table } = request
  if (table !== undefined) return inTable(table, await openManifest(table), request)
  const { ofSpace, broken } = await tablesOf(request.space)
  const fitting = ofSpace.find((manifest) => headlineIn(manifest, request).length > 0)
  if (fitting !== undefined) return inTable(fitting.name, fitting, request)
  // A space too large for a table: the result of a search is its genotype, to be trained in full.
  if (request.space.numbering === undefined && request.space.tablesOf === undefined) return { headline: [] }
  throw broken ?? noTable(request, ofSpace)
}

/**
 * Returns the name and hash of a lookup table, which are part of a job's identity. They suffice for an incomplete
 * table, too: its recipe decides the missing rows.
 */
export function tableIdentity(manifest: Manifest): NonNullable<Job['table']> {
  const { name, rows, architectures, recipe, table } = manifest
  if (recipe === undefined || rows === architectures) return { name, sha256: table.sha256 }
  return {
    name,
    sha256: createHash('sha256')
      .update(`${table.sha256} ${recipeHash(recipe)}`)
      .digest('hex'),
  }
}

/**
 * Returns the manifests of all lookup tables of a search space, the one with the space's own name first, and the first
 * error of reading a manifest. The caller throws that error only if no readable table fits.
 */
async function tablesOf({ name, tablesOf: space = name }: SearchSpace) {
  const read = await Promise.allSettled((await listTables()).map((name) => openManifest(name)))
  const manifests = read.flatMap((outcome) => (outcome.status === 'fulfilled' ? outcome.value : []))
  const [broken] = read.flatMap((outcome) => (outcome.status === 'rejected' ? (outcome.reason as Error) : []))
  const ofSpace = manifests.filter((manifest) => manifest.space === space)
  return { ofSpace: ofSpace.sort((a, b) => Number(b.name === space) - Number(a.name === space)), broken }
}

/**
 * Returns the reported columns of a search in this lookup table.
 * @throws BenchError `bad-input` if the table is of another search space or lacks the columns
 */
function inTable(table: string, manifest: Manifest, request: LookupRequest): Lookup {
  if (manifest.space !== (request.space.tablesOf ?? request.space.name)) {
    const found = `table ${manifest.name} is of space ${manifest.space}`
    throw new BenchError('bad-input', `${found}, not ${request.space.name}; name another with --table`)
  }
  const headline = headlineIn(manifest, request)
  if (headline.length > 0) return { table, manifest, headline }
  const has = [...new Set(accuracies(manifest).map(({ dataset }) => dataset))].join(', ')
  const wanted = request.wanted?.[0]
  const what = wanted === undefined ? request.dataset : `${wanted.validation} and ${wanted.test}`
  throw new BenchError('bad-input', `table ${manifest.name} does not have ${what}; its datasets are ${has}`)
}

/**
 * Returns those of the columns to report that the table has. The protocol names these columns; if it names none, they
 * are the dataset's own.
 */
function headlineIn(manifest: Manifest, { dataset, wanted }: LookupRequest): readonly Headline[] {
  const columns = new Set(manifest.columns.map(({ name }) => name))
  const [own, ...transfers] = wanted ?? ownHeadline(manifest, dataset)
  const isThere = ({ validation, test }: Headline) => columns.has(validation) && columns.has(test)
  return own !== undefined && isThere(own) ? [own, ...transfers.filter(isThere)] : []
}

/**
 * Returns the columns of a dataset with accuracies after the longest training, mean over the training seeds: `x-valid`,
 * and `x-test` or else `ori-test`.
 */
function ownHeadline(manifest: Manifest, dataset: string): readonly Headline[] {
  const means = accuracies(manifest).filter((qualifier) => qualifier.dataset === dataset && qualifier.seed === 'mean')
  const epochs = Math.max(...means.map((qualifier) => qualifier.epochs))
  const column = (...splits: readonly string[]) =>
    splits.flatMap((split) => means.filter((mean) => mean.epochs === epochs && mean.split === split))[0]
  const validation = column('x-valid')
  const test = column('x-test', 'ori-test')
  if (validation === undefined || test === undefined) return []
  return [{ dataset, validation: formatQualifier(validation), test: formatQualifier(test) }]
}

const accuracies = ({ columns }: Manifest): Qualifier[] =>
  columns.filter(({ name }) => isAccuracy(name)).map(({ name }) => parseQualifier(name))

/**
 * Returns the `bench tables build` command for a search space, which error messages suggest. The user has to replace
 * the name of the recipe file.
 */
export const buildCommand = ({ name: own, tablesOf: name = own }: SearchSpace, plugins: readonly string[]): string =>
  benchCommand(
    ...['tables', 'build', ...plugins.flatMap((plugin) => ['--plugin', plugin])],
    ...['--space', name, '--recipe', 'recipe.yaml', '--as', `${name}-table`],
  )

function noTable({ space, dataset, plugins = [] }: LookupRequest, ofSpace: readonly Manifest[]): BenchError {
  const names = DATASETS.map(({ name }) => name)
  if (!names.includes(dataset) && nearestName(dataset, names) !== undefined)
    return unknownName('dataset', dataset, names)
  const have = ofSpace.map(({ name }) => name).join(', ') || 'none'
  const { publishedTable: published } = space
  const remedy = published?.datasets.includes(dataset)
    ? `\`bench tables fetch ${published.name}\` gets the benchmark`
    : `\`${buildCommand(space, plugins)}\` makes one (docs/building-tables.md)`
  const found = `no table of ${space.name} has ${dataset} (there are: ${have}); ${remedy}, or name one with --table`
  const training = space.family ? '; or add --evaluate retrain, which trains what is found in full' : ''
  return new BenchError('missing', found + training)
}
