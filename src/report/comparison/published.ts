/**
 * Adds rows from published papers to tables of our runs. It reads the papers' numbers from `reports/published/`,
 * chooses the table that fits a comparison, and says if our runs are smaller than those of the papers, so that the
 * numbers are not comparable.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { z } from 'zod'
import type { ImageCounts } from '../../core/data.ts'
import { BenchError } from '../../core/errors.ts'
import { loadYaml } from '../../core/lazyPackages.ts'
import { unknownName } from '../../core/names.ts'
import { problemIn } from '../../core/parseRecord.ts'
import { grouped, pluralize } from '../../core/plainText.ts'
import type { Protocol } from '../../core/protocol.ts'
import type { Job } from '../../core/result.ts'
import type { RetrainingSettings } from '../../core/retraining.ts'
import { imageSide, missingImages } from '../../data/datasetNames.ts'
import { presets } from '../../protocols/index.ts'
import { citedProtocol, type Preset, plainValues } from '../../protocols/preset.ts'
import { resolveSettings } from '../../retrain/settings.ts'
import { builtinSpaces } from '../../spaces/index.ts'
import { absent, type Cell, number, word } from '../formats/tabular.ts'
import type { RunRecord } from '../runRecord.ts'
import { type Column, type Comparison, datasetTitle } from './comparison.ts'
import { settingsText } from './retrainedRuns.ts'

/**
 * A value of a paper's table: its text as printed (`-` if the paper gives none), and its mean and standard deviation if
 * the text is a number.
 */
export interface PublishedValue {
  readonly text: string
  readonly mean?: number
  readonly std?: number
}

export type PublishedTable = Readonly<z.infer<typeof tableSchema>> & { readonly document: string }

const columnSchema = z.strictObject({
  title: z.string(),
  unit: z.string().optional(),
  better: z.enum(['higher', 'lower']).optional(),
  /**
   * Name that this program gives to the dataset of this published column, such as `cifar10`. Dataset and `split` decide
   * in which column of our table the values are shown.
   */
  dataset: z.string().optional(),
  /** Dataset that the architectures of this published column were searched on; absent: `dataset`. */
  searchedOn: z.string().optional(),
  split: z.enum(['validation', 'test']).optional(),
})

const rowSchema = z.strictObject({
  method: z.string(),
  /** Name that this program gives to the algorithm of a published row, such as `darts-v1`. */
  algorithm: z.string().optional(),
  /** Options of our algorithm with which it equals the method of a published row; absent: its defaults. */
  options: z.record(z.string(), z.string()).optional(),
  note: z.string().optional(),
  values: z.array(z.string().transform(parseValue)),
})

const tableSchema = z
  .strictObject({
    id: z.string(),
    /** Place of the published table in its paper, such as `Table 4`. */
    place: z.string(),
    title: z.string(),
    space: z.string().optional(),
    seeds: z.coerce.number().int().optional(),
    columns: z.array(columnSchema).min(1),
    rows: z.array(rowSchema).min(1),
  })
  .refine(({ columns, rows }) => rows.every(({ values }) => values.length === columns.length), {
    message: 'a row has more or fewer values than there are columns',
  })

const documentSchema = z.strictObject({ document: z.string(), tables: z.array(tableSchema) })

const FOLDER = new URL('../../../reports/published/', import.meta.url)

/**
 * Returns the position of the published column of accuracies with the same dataset, split and searched-on dataset as a
 * column of ours; −1 if there is none. Test errors stand in no column of accuracies.
 */
export const positionOf = (
  { columns }: Pick<PublishedTable, 'columns'>,
  ours: Pick<Column, 'dataset' | 'split' | 'searchedOn'>,
): number =>
  columns.findIndex(
    ({ better, dataset, split, searchedOn = dataset }) =>
      better !== 'lower' && dataset === ours.dataset && split === ours.split && searchedOn === ours.searchedOn,
  )

/**
 * Reads all tables of published papers from a folder of YAML files, in the order of the file names. @throws BenchError
 * `corrupt`
 */
export function publishedTables(folder: URL = FOLDER): readonly PublishedTable[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .sort()
    .flatMap((name) => parsePublished(readFileSync(new URL(name, folder), 'utf8'), name))
}

/**
 * Parses the tables of one paper from the text of its YAML file. Values are read as text, so that 2.50 stays 2.50.
 * @throws BenchError `corrupt`
 */
export function parsePublished(text: string, name: string): readonly PublishedTable[] {
  const parsed = documentSchema.safeParse(loadYaml().parse(text, { schema: 'failsafe' }))
  if (!parsed.success) throw new BenchError('corrupt', `published rows ${name}: ${problemIn(parsed.error)}`)
  const { document, tables } = parsed.data
  return tables.map((table) => ({ ...table, document }))
}

function parseValue(text: string): PublishedValue {
  const [, mean, std] = /^(\.?\d[\d.e-]*)(?: ± (\d[\d.]*))?$/.exec(text) ?? []
  if (mean === undefined) return { text }
  return { text, mean: Number(mean), ...(std !== undefined && { std: Number(std) }) }
}

/** A paper's table whose rows are shown below ours, if any, and a note on how far the two are comparable. */
export interface PublishedRows {
  readonly table?: PublishedTable
  /**
   * Note below the table: in which settings our runs are smaller than the paper's, or which published rows were left
   * out for that reason.
   */
  readonly caveat?: string
}

/**
 * Returns the table of a paper that is shown below a comparison, if any, and a note.
 * @param wanted the id of a published table; `none` for no published rows; or `auto` for the table of the same space
 * that has all test columns whose dataset is the one searched on, or none if our searches are smaller than the paper's
 * @throws BenchError `unknown-name`, or `bad-input` if the named table shares no column with the comparison
 */
export function publishedBeside(comparison: Comparison, wanted: string): PublishedRows {
  if (wanted === 'none') return {}
  const runs = comparison.rows.flatMap(({ method }) => method.runs)
  if (wanted === 'auto') {
    const fitting = publishedTables().find(
      (table) => table.space === comparison.space && coversTests(table, comparison),
    )
    return publishedRows(fitting, reductionsOf(runs), true)
  }
  const named = publishedTable(wanted)
  if (comparison.columns.some((column) => hasColumn(named, column))) {
    return publishedRows(named, reductionsOf(runs), false)
  }
  throw new BenchError('bad-input', `the published table ${wanted} has none of the accuracies of this comparison`)
}

/**
 * Returns the published table with this id.
 * @throws BenchError `unknown-name` that lists the ids, `auto` and `none`
 */
export function publishedTable(id: string): PublishedTable {
  const tables = publishedTables()
  const table = tables.find((known) => known.id === id)
  if (table === undefined)
    throw unknownName('published table', id, [...tables.map((known) => known.id), 'auto', 'none'])
  return table
}

/**
 * Returns a published table with a note that says in which settings our runs are smaller, or only the note if the table
 * is left out for that reason.
 * @param reductions phrases as `reductionsOf` returns them
 * @param isAutomatic whether the table was chosen by `auto`: it is then left out if our runs are smaller
 */
export function publishedRows(
  table: PublishedTable | undefined,
  reductions: readonly string[],
  isAutomatic: boolean,
): PublishedRows {
  if (table === undefined || reductions.length === 0) return { ...(table && { table }) }
  const how = reductions.join('; ')
  if (isAutomatic) {
    return {
      caveat: `Published rows (${table.id}) are left out, since ours are reduced: ${how}. --published ${table.id} shows them.`,
    }
  }
  return {
    table,
    caveat: `Not comparable: our rows are reduced (${how}), those marked † are not.`,
  }
}

function coversTests(table: PublishedTable, { columns }: Comparison): boolean {
  const tests = columns.filter(({ split, dataset, searchedOn }) => split === 'test' && dataset === searchedOn)
  return tests.length > 0 && tests.every((column) => hasColumn(table, column))
}

const hasColumn = (table: PublishedTable, column: Column): boolean => positionOf(table, column) >= 0

/**
 * Smallest search budget in a published paper, in simulated seconds: that of NAS-Bench-201 on CIFAR-10 (its section 5).
 * Runs with a smaller budget, or that ended earlier without one, are noted as smaller than published ones.
 */
const LEAST_BUDGET = 12_000

/**
 * Returns phrases that say in which settings these runs are smaller than those of papers, such as `searched under
 * protocol laptop: C=4 N=1 (drnas-paper: C=16 N=5)`; empty if they are not smaller. For black-box searches and given
 * architectures the protocol does not count, since they train no supernet.
 */
export function reductionsOf(runs: readonly RunRecord[]): string[] {
  const words = runs.flatMap(({ manifest: { job }, result }) => [
    ...(job.retraining === undefined || result?.timing.search !== undefined ? searchReductions(job) : []),
    ...(job.budgetSeconds !== undefined && job.budgetSeconds < LEAST_BUDGET
      ? [`searched within ${grouped(job.budgetSeconds)} simulated seconds`]
      : []),
    ...(job.retraining && isReducedTraining(job.retraining.settings, job.dataset.name)
      ? [`trained with ${settingsText(job.retraining.settings, job.space)}`]
      : []),
    ...missingWords(job.dataset.name, result?.images),
  ])
  const used = runs.map(secondsWithoutBudget).filter((seconds) => seconds > 0 && seconds < LEAST_BUDGET)
  return [
    ...new Set(words),
    ...(used.length > 0
      ? [`searched without a budget for at most ${grouped(Math.ceil(Math.max(...used)))} simulated seconds`]
      : []),
  ]
}

/**
 * Returns the simulated seconds of a black-box search that a number of evaluations ended, not a budget; 0 for other
 * runs. Searches by score have an option `verify`: they query a few accuracies at their end, and their size is the
 * number of networks that they score. The size of imported runs is unknown.
 */
function secondsWithoutBudget({ manifest: { job }, result }: RunRecord): number {
  const isOther = job.executor !== undefined || job.imported !== undefined || 'verify' in job.algorithm.options
  return isOther || job.budgetSeconds !== undefined ? 0 : (result?.oracle?.usedSeconds ?? 0)
}

function missingWords(dataset: string, images: ImageCounts | undefined): string[] {
  const missing = images && missingImages(dataset, images)
  return missing === undefined ? [] : [`on ${datasetTitle(dataset)} with ${missing}`]
}

/**
 * Returns in which sizes a search is smaller than its paper's, such as `searched under protocol laptop: C=4 N=1
 * (drnas-paper: C=16 N=5), 50 epochs (100)`; an empty list if it is not smaller.
 */
function searchReductions({ executor, protocol, space, dataset, algorithm }: Job): string[] {
  if (executor === undefined) return []
  const preset = presets.find(({ name }) => name === protocol.name.split(':')[0])
  const paper = preset?.reduced ? presets.find(({ name }) => name === preset.reducedFrom?.[familyOf(space)]) : preset
  const full = paper && presetSize(paper, { space, dataset: dataset.name, algorithm: algorithm.name })
  const own = sizeOfSearch(protocol)
  if (!preset?.reduced && !isSmaller(own, full)) return []
  const smaller = sizeDifferences(own, full ?? NO_LIMITS, { space, dataset: dataset.name })
  const [first, ...others] = smaller.map(([ours, theirs], i) => {
    const whose = i === 0 ? `${paper?.name ?? 'papers'}: ` : ''
    return `${ours} (${whose}${theirs})`
  })
  const how = first === undefined ? '' : `: ${[first, ...others].join(', ')}`
  return [`searched under protocol ${protocol.name}${how}`]
}

const familyOf = (space: string): string => space.split('-')[0]

/** Returns each size in which a search is smaller than another, as text: its own, and the larger one of the other. */
function sizeDifferences(
  own: Size,
  full: Size,
  { space, dataset }: { readonly space: string; readonly dataset: string },
): (readonly [ours: string, theirs: string])[] {
  const isLess = (...keys: readonly string[]) =>
    keys.some((key) => key in full && isSmaller({ [key]: own[key] }, { [key]: full[key] }))
  const isInCells = builtinSpaces[space]?.depthCounts === 'cells'
  const network = ({ channels, depth }: Size) =>
    isInCells ? `C=${channels}, ${pluralize(depth ?? 0, 'cell')}` : `C=${channels} N=${depth}`
  const side = ({ imageSize }: Size) => {
    const pixels = imageSize ?? imageSide(dataset)
    return pixels === undefined ? 'whole' : `${pixels}×${pixels}`
  }
  const images = ({ limit }: Size) => (limit === null ? 'all' : `at most ${grouped(limit)}`)
  return [
    ...(isLess('channels', 'depth') ? [[network(own), network(full)] as const] : []),
    ...(isLess('imageSize') ? [[`images of ${side(own)}`, side(full)] as const] : []),
    ...(isLess('limit') ? [[`${images(own)} training images`, images(full)] as const] : []),
    ...(isLess('epochs') ? [[pluralize(own.epochs ?? 0, 'epoch'), String(full.epochs)] as const] : []),
  ]
}

function isReducedTraining(settings: RetrainingSettings, dataset: string): boolean {
  const { preset, network } = settings
  if (preset === 'trial') return true
  return isSmaller(
    sizeOfTraining(settings),
    sizeOfTraining(resolveSettings({ preset, family: network.family }, dataset)),
  )
}

/**
 * The settings that determine how large a search or training is, by name: epochs, channels, images and so on. Null
 * means all images of the dataset, or images at their original size.
 */
type Size = Readonly<Record<string, number | null>>

/** The sizes of which every protocol has the largest one: all images, at their own size. */
const NO_LIMITS: Size = { imageSize: null, limit: null }

const sizeOfSearch = ({ epochs, network, data }: Omit<Protocol, 'name'>): Size => ({
  epochs,
  channels: network.channels,
  depth: network.depth,
  imageSize: data.imageSize,
  limit: data.limit,
})

const presetSize = (preset: Preset, job: Parameters<typeof citedProtocol>[1]): Size =>
  sizeOfSearch(plainValues<Omit<Protocol, 'name'>>(citedProtocol(preset, job)))

const sizeOfTraining = ({ epochs, network, data }: RetrainingSettings): Size => ({
  epochs,
  channels: network.channels,
  layers: network.layers,
  imageSize: data.imageSize,
  limit: data.limit,
})

/**
 * Returns whether one of the settings that determine the size is below its value in the full-size protocol.
 * @param full settings of the full-size protocol; absent for an unknown preset: then only limits on images count
 */
function isSmaller(size: Size, full: Size | undefined): boolean {
  const least = full ?? NO_LIMITS
  return Object.keys(least).some(
    (key) => (size[key] ?? Number.POSITIVE_INFINITY) < (least[key] ?? Number.POSITIVE_INFINITY),
  )
}

/**
 * Returns the table cell of a value from a paper: mean ± deviation, a number, or else the text as the paper prints it.
 * @param seeds number of values behind a mean; absent: the paper does not give it
 * @param unit unit to show with a number, where the rows of a column have different units
 */
export function publishedCell(
  value: PublishedValue | undefined,
  { seeds, unit }: { readonly seeds?: number | undefined; readonly unit?: string | undefined },
): Cell {
  if (value === undefined || value.text === '-') return absent
  const { text, mean, std } = value
  if (mean === undefined) return word(text)
  const [digits, stdDigits] = text.split(' ± ').map((number) => /\.(\d+)/.exec(number)?.[1].length ?? 0)
  if (std !== undefined) {
    return { kind: 'statistic', mean, std, ...(seeds !== undefined && { n: seeds }), digits, stdDigits }
  }
  return unit === undefined ? number(mean, digits) : { kind: 'quantity', value: mean, unit, digits }
}
