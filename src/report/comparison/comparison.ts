/**
 * Compares runs in rows and columns: one row for each method, one column for each looked-up accuracy, and in each cell
 * the values of all seeds.
 */
import { BenchError } from '../../core/errors.ts'
import { accuracyOf } from '../../core/metric.ts'
import { onceEach } from '../../core/onceEach.ts'
import type { Headline } from '../../core/protocol.ts'
import type { Job } from '../../core/result.ts'
import { missingImages } from '../../data/datasetNames.ts'
import { IMPORTED } from '../../protocols/imported.ts'
import { distinct } from '../../system/groupBy.ts'
import { differingKeys, flatten } from '../differences.ts'
import { groupByMethod, type Method, oneRunPerSeed } from '../methods.ts'
import { datasetOf, hasFailed, isFinished, type RunRecord } from '../runRecord.ts'

export interface Comparison {
  readonly space: string
  readonly columns: readonly Column[]
  readonly rows: readonly Row[]
  /** Names of the protocols that the compared runs followed; several only if the user allowed mixed protocols. */
  readonly protocols: readonly string[]
  /**
   * Names of the settings in which the protocols of the compared runs differ, such as `epochs`; empty if the protocols
   * are equal.
   */
  readonly mixed: readonly string[]
}

export interface Column {
  /** Dataset on which the accuracies of this column were measured, such as `cifar100`. */
  readonly dataset: string
  readonly split: 'validation' | 'test'
  /** Dataset that the architectures of this column were searched on. */
  readonly searchedOn: string
  /**
   * Title of the column, such as `CIFAR-10 test`; `CIFAR-100 test (searched on CIFAR-10)` if the runs searched on
   * several datasets and this column's dataset is not the one searched on.
   */
  readonly title: string
  /** Heading that this column shares with neighbouring columns: its title without `validation` or `test`. */
  readonly group: string
  /** Accuracy names (dataset/split/epochs/seed) whose values this column shows; several only if protocols are mixed. */
  readonly qualifiers: readonly string[]
}

export interface Row {
  readonly method: Method
  /** Cells of this row, one for each column of the comparison. */
  readonly cells: readonly Cell[]
  /** Number of different seeds among the finished runs of this row's method. */
  readonly seeds: number
  /** Number of finished runs of this row's method. A seed counts once for each dataset that it was run on. */
  readonly finished: number
  readonly failed: number
  readonly unfinished: number
}

export interface Cell {
  /** For each seed, the accuracy in % of the architecture that the search found; seeds without a value are left out. */
  readonly bySeed: ReadonlyMap<number, number>
  /** Number of finished runs for whose architecture the lookup table lacks the accuracy of this column. */
  readonly missing: number
}

/**
 * Returns the comparison of runs, with one row for each method.
 * @param options.mix whether runs of different protocols may be compared
 * @throws BenchError `missing` if there is no run, `bad-input` if the runs differ in space, lookup table or protocol
 */
export function compare(runs: readonly RunRecord[], options: { readonly mix?: boolean } = {}): Comparison {
  if (runs.length === 0)
    throw new BenchError('missing', 'there are no runs to compare; `bench run --algo drnas` makes some')
  const { mixed } = commonSettings(runs)
  if (mixed.length > 0 && !options.mix) throw mixedProtocols(runs, mixed)
  return comparisonOf(runs)
}

const commonSettings = onceEach((runs: readonly RunRecord[]): Pick<Comparison, 'space' | 'mixed'> => {
  const space = onlySpace(runs)
  refuseMixedTables(runs)
  return { space, mixed: differingSettings(runs) }
})

/** Returns the comparison of runs; the result is cached, since all tables and figures of the same runs use it. */
const comparisonOf = onceEach((runs: readonly RunRecord[]): Comparison => {
  const columns = columnsOf(runs)
  const methods = groupByMethod(runs).map(oneRunPerSeed)
  return {
    ...commonSettings(runs),
    columns,
    rows: methods.map((method) => rowOf(method, columns)),
    protocols: distinct(runs.map(({ manifest }) => manifest.job.protocol.name)),
  }
})

/**
 * Returns the rows of searches, that is, without reference algorithms such as `optimal`, which answer with a fixed
 * architecture.
 * @param references names of the reference algorithms
 */
export const searchesOf = ({ rows }: Comparison, references: ReadonlySet<string> = new Set()): readonly Row[] =>
  rows.filter(({ method }) => !references.has(method.algorithm))

/** Returns the accuracies in one cell of a comparison, in %, ordered by seed. */
export const valuesOf = onceEach(({ bySeed }: Cell): readonly number[] =>
  [...bySeed].sort(([a], [b]) => a - b).map(([, accuracyPct]) => accuracyPct),
)

/**
 * Returns the items among which one is called the best: those with values of at least two seeds, since one seed may be
 * luck. If none has two, those with one; if one item alone has two, none, since there is nothing to compare it with.
 */
export function rankable<Item>(items: readonly Item[], valuesIn: (item: Item) => readonly number[]): readonly Item[] {
  const repeated = items.filter((item) => valuesIn(item).length > 1)
  const all = items.filter((item) => valuesIn(item).length > 0)
  const able = repeated.length > 0 ? repeated : all
  return able.length === 1 && all.length > 1 ? [] : able
}

const titles: Readonly<Record<string, string>> = { cifar10: 'CIFAR-10', cifar100: 'CIFAR-100', imagenet: 'ImageNet' }
/** Returns the usual spelling of a dataset's name: `CIFAR-10` for `cifar10`. */
export const datasetTitle = (dataset: string): string => titles[dataset] ?? dataset

/**
 * Returns the dataset's title, followed by the number of missing images in brackets if the runs used fewer images than
 * the dataset has.
 */
export function datasetWords(
  dataset: string,
  runs: readonly RunRecord[],
  title: string = datasetTitle(dataset),
): string {
  const missing = missingByDataset(runs).get(dataset) ?? []
  return missing.length === 0 ? title : `${title} (${missing.join(' or ')})`
}

/** Returns, for each dataset of which images were missing, phrases that say how many, for the dataset's title. */
const missingByDataset = onceEach((runs: readonly RunRecord[]): ReadonlyMap<string, readonly string[]> => {
  const words = new Map<string, Set<string>>()
  for (const { manifest, result } of runs) {
    const { name } = manifest.job.dataset
    const missing = result?.images && missingImages(name, result.images)
    if (missing !== undefined) words.set(name, (words.get(name) ?? new Set()).add(missing))
  }
  return new Map([...words].map(([name, own]) => [name, [...own]]))
})

/** Returns the search space of all runs. @throws BenchError `bad-input` where the runs have several */
export function onlySpace(runs: readonly RunRecord[]): string {
  const spaces = distinct(runs.map(({ manifest }) => manifest.job.space))
  if (spaces.length === 1) return spaces[0]
  throw new BenchError('bad-input', `runs on ${spaces.join(' and ')} cannot be compared; choose with --space`)
}

/**
 * Checks that all runs on a dataset were looked up in the same lookup table.
 * @throws BenchError `bad-input` if they were not
 */
function refuseMixedTables(runs: readonly RunRecord[]): void {
  for (const dataset of distinct(runs.map(datasetOf))) {
    const jobs = runs.map(({ manifest }) => manifest.job).filter((job) => job.dataset.name === dataset)
    const tables = distinct(
      jobs.map(({ table }) => (table ? `${table.name} (${table.sha256.slice(0, 8)})` : 'no table')),
    )
    if (tables.length > 1) {
      const found = tables.join(' and ')
      throw new BenchError(
        'bad-input',
        `runs on ${dataset} were looked up in ${found}; compare one at a time with --table`,
      )
    }
  }
}

/**
 * Returns the names of the settings in which the protocols of the runs differ. Which accuracies the protocols report is
 * compared separately for each dataset.
 */
function differingSettings(runs: readonly RunRecord[]): readonly string[] {
  const protocols = distinct(runs.map(({ manifest }) => manifest.job.protocol))
  const datasets = distinct(protocols.flatMap(({ headline }) => Object.keys(headline)))
  const reported = datasets.filter((dataset) => {
    const known = protocols.flatMap(({ headline }) => (headline[dataset] ? JSON.stringify(headline[dataset]) : []))
    return distinct(known).length > 1
  })
  // The settings of imported runs are unknown, so that only the name of their protocol differs.
  const known = protocols.filter(({ name }) => name !== IMPORTED)
  const ofKnown = differingKeys(known.map(({ headline: _, ...settings }) => settings))
  const isMixed = known.length > 0 && known.length < protocols.length
  const search = [...(isMixed && !ofKnown.includes('name') ? ['name'] : []), ...ofKnown]
  return [...search, ...reported.map((dataset) => `headline.${dataset}`)]
}

function mixedProtocols(runs: readonly RunRecord[], keys: readonly string[]): BenchError {
  const found = keys.slice(0, 3).map((key) => {
    const values = distinct(runs.flatMap(({ manifest }) => flatten(manifest.job.protocol).get(key) ?? []))
    return `${key} is ${values.join(' or ')}`
  })
  const more = keys.length > 3 ? ` and ${keys.length - 3} more` : ''
  return new BenchError(
    'bad-input',
    `the runs follow different protocols (${found.join(', ')}${more}); choose with --protocol, or --mix to show them marked`,
  )
}

function columnsOf(runs: readonly RunRecord[]): readonly Column[] {
  const all = searchesOnce(runs).flatMap((job) =>
    (job.protocol.headline[job.dataset.name] ?? []).flatMap((headline) =>
      (['validation', 'test'] as const).map((split) => ({
        dataset: headline.dataset,
        split,
        searchedOn: job.dataset.name,
        qualifier: headline[split],
      })),
    ),
  )
  const several = distinct(all.map(({ searchedOn }) => searchedOn)).length > 1
  const key = ({ dataset, split, searchedOn }: (typeof all)[number]) => `${searchedOn} ${dataset} ${split}`
  return distinct(all.map(key)).map((wanted) => {
    const same = all.filter((column) => key(column) === wanted)
    const { dataset, split, searchedOn } = same[0]
    const from = several && dataset !== searchedOn ? ` (searched on ${datasetTitle(searchedOn)})` : ''
    const name = datasetTitle(dataset)
    const titles = { title: `${name} ${split}${from}`, group: `${name}${from}` }
    return { dataset, split, searchedOn, ...titles, qualifiers: distinct(same.map(({ qualifier }) => qualifier)) }
  })
}

/**
 * Returns one job for each protocol and dataset. These jobs alone determine the columns of a comparison, however many
 * seeds there are.
 */
function searchesOnce(runs: readonly RunRecord[]): readonly Job[] {
  const known = new Map<Job['protocol'], Set<string>>()
  return runs.flatMap(({ manifest: { job } }) => {
    const datasets = known.get(job.protocol) ?? new Set()
    if (datasets.has(job.dataset.name)) return []
    known.set(job.protocol, datasets.add(job.dataset.name))
    return [job]
  })
}

function rowOf(method: Method, columns: readonly Column[]): Row {
  const done = method.runs.filter(isFinished)
  const failed = method.runs.filter(hasFailed).length
  const cells = columns.map((column) => cellOf(method, column))
  const seeds = distinct(done.map(({ manifest }) => manifest.job.seed)).length
  return { method, cells, seeds, finished: done.length, failed, unfinished: method.runs.length - done.length - failed }
}

function cellOf({ runs }: Method, column: Column): Cell {
  const here = runs.filter((run) => isFinished(run) && datasetOf(run) === column.searchedOn)
  const values = here.map((run) => [run.manifest.job.seed, accuracy(run, column)] as const)
  const known = values.filter((pair): pair is readonly [number, number] => pair[1] !== undefined)
  return { bySeed: new Map(known), missing: values.length - known.length }
}

function accuracy({ manifest: { job }, result }: RunRecord, column: Column): number | undefined {
  const headline = job.protocol.headline[job.dataset.name]?.find((known: Headline) => known.dataset === column.dataset)
  return accuracyOf(result?.metrics ?? [], headline?.[column.split])
}

/**
 * Smallest number of blocks (seeds) for which a paired test reports p-values: two blocks cannot give a two-sided
 * p-value below 1/2.
 */
export const FEWEST_BLOCKS = 3

/**
 * The data of a paired significance test between searches in one column. Its blocks are the seeds. Columns are not
 * pooled, since a test assumes independent blocks, and the accuracies of one architecture on several datasets are not
 * independent.
 */
export interface Blocks {
  /** Rows of the searches that have an accuracy in the tested column. */
  readonly rows: readonly Row[]
  /** Seeds that all searches in `rows` finished, ascending. Each is one block of the paired test. */
  readonly seeds: readonly number[]
  /** Number of seeds that only some of the searches finished; the paired test leaves them out. */
  readonly incomplete: number
  /** Accuracies that the paired test compares, in %, by [seed][search]. */
  readonly scores: readonly (readonly number[])[]
}

/**
 * Returns the data of a paired test of searches in one column: the seeds that all of them finished, with their
 * accuracies.
 * @param column position among the columns of the comparison
 */
export function blocksOf(searches: readonly Row[], column: number): Blocks {
  const rows = searches.filter(({ cells }) => valuesOf(cells[column]).length > 0)
  const cells = rows.map((row) => row.cells[column])
  const all = [...new Set(cells.flatMap(({ bySeed }) => [...bySeed.keys()]))].sort((a, b) => a - b)
  const seeds = all.filter((seed) => cells.every(({ bySeed }) => bySeed.has(seed)))
  return {
    rows,
    seeds,
    incomplete: all.length - seeds.length,
    scores: seeds.map((seed) => cells.map((cell: Cell) => cell.bySeed.get(seed) as number)),
  }
}
