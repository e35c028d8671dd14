/**
 * Groups runs into methods. Runs that differ only in their seed and dataset are one method: one row of a table, one
 * line of a figure. Runs on different search spaces are different methods.
 */
import { genotype as knownGenotype } from '../algorithms/references.ts'
import { BenchError } from '../core/errors.ts'
import { onceEach } from '../core/onceEach.ts'
import type { Finder, Job } from '../core/result.ts'
import { IMPORTED } from '../protocols/imported.ts'
import { textOfAbsent } from '../protocols/index.ts'
import { architectureName, builtinSpaces } from '../spaces/index.ts'
import { groupBy } from '../system/groupBy.ts'
import { canonicalJson, contentName } from '../system/json.ts'
import { differingKeys, flatten } from './differences.ts'
import { datasetOf, type RunRecord } from './runRecord.ts'

export interface Method {
  /**
   * The algorithm's name, followed by the settings in which it differs from its other variants in the same comparison:
   * `drnas (k=4)`.
   */
  readonly label: string
  readonly algorithm: string
  /** Index of this method among the variants of its algorithm in the same comparison, from 0. */
  readonly variant: number
  /** Search space of the runs; absent if all runs of the comparison have the same one, so that no label names it. */
  readonly space?: string
  readonly runs: readonly RunRecord[]
}

/** Returns the runs grouped by method, in the order of each method's first run. */
export const groupByMethod = onceEach((runs: readonly RunRecord[]): readonly Method[] => {
  const alike = groupBy(runs, ({ manifest: { job } }) =>
    [algorithmKey(job.algorithm), protocolKey(job.protocol), job.space].join(' '),
  )
  const groups = [...alike.values()].flatMap(splitByBudget)
  const hasSpaces = groupBy(groups, ([first]) => spaceOf(first)).size > 1
  const byAlgorithm = [...groupBy(groups, ([first]) => nameOf(first)).values()]
  const variants = new Map(byAlgorithm.flatMap((own) => named(own, hasSpaces)))
  return groups.map((group) => ({ ...(variants.get(group) as Variant), algorithm: nameOf(group[0]), runs: group }))
})

type Variant = Pick<Method, 'label' | 'variant' | 'space'>

/**
 * Returns each group of runs with its label and its index. The groups are the variants of one algorithm.
 * @param hasSpaces whether the runs of the comparison are of several search spaces, so that each label names its own
 */
function named(
  groups: readonly (readonly RunRecord[])[],
  hasSpaces: boolean,
): (readonly [readonly RunRecord[], Variant])[] {
  const texts = labels(
    groups.map(([first]) => first),
    hasSpaces,
  )
  return groups.map((group, variant) => {
    const label = marked(texts[variant], group[0])
    return [group, { label, variant, ...(hasSpaces && { space: spaceOf(group[0]) }) }]
  })
}

/** Returns the label of a method, with a suffix if its runs were imported from another program. */
const marked = (label: string, { manifest: { job } }: RunRecord): string =>
  job.imported === undefined || label.includes(`protocol=${IMPORTED}`) ? label : `${label} (${IMPORTED})`

/**
 * Returns a text that two runs share exactly if they found the same network, also where their architectures are written
 * differently. In a space that cannot tell, or that cannot read the architecture, it is the architecture; undefined
 * without a result.
 */
export function networkOf({ manifest, result }: RunRecord): string | undefined {
  const space = builtinSpaces[manifest.job.space]
  if (result === undefined || space?.trainingKey === undefined) return result?.genotype
  try {
    return space.trainingKey((space.family ?? space).parse(result.genotype))
  } catch (error) {
    if (error instanceof BenchError) return result.genotype
    throw error
  }
}

/**
 * Returns a method with only one run for each seed, dataset and settings of full training. Of several finished runs
 * with the same outcome the first is kept. An unfinished run is kept only if there is no finished one.
 * @throws BenchError `bad-input` if two runs of a seed ended with different architectures, or with different accuracies
 * of full trainings
 */
export const oneRunPerSeed = <M extends Method>(method: M): M => ({ ...method, runs: runsBySeed(method) })

const runsBySeed = onceEach(({ label, runs }: Method): readonly RunRecord[] => {
  const bySeed = groupBy(runs, ({ manifest: { job } }) =>
    [job.dataset.name, job.seed, ...(job.retraining ? [contentName(job.retraining)] : [])].join(' '),
  )
  return [...bySeed.values()].map((rivals) => {
    const finished = rivals.filter(({ result }) => result !== undefined)
    const [first = rivals[0], ...others] = finished
    const other = others.find((run) => endOf(run) !== endOf(first))
    if (other !== undefined) throw contradiction(label, first, other)
    return first
  })
})

/**
 * Returns the outcome of a finished run as text, for comparison with other outcomes: its final architecture and the
 * accuracies of its full trainings.
 */
const endOf = ({ result }: RunRecord): string =>
  canonicalJson([result?.genotype, result?.trainings?.map(({ testAccuracyPct }) => testAccuracyPct)])

function contradiction(label: string, { manifest, result }: RunRecord, other: RunRecord): BenchError {
  const { job, id } = manifest
  const keys = differingKeys([job, other.manifest.job])
  const why = keys.length > 0 ? `which differ in ${keys.join(', ')}` : 'though their jobs are the same'
  const what = result?.genotype === other.result?.genotype ? 'test accuracies of one architecture' : 'architectures'
  return new BenchError(
    'bad-input',
    `seed ${job.seed} of ${label} on ${job.dataset.name} has two ${what}, in ${id} and ${other.manifest.id}, ${why}; name the runs to compare`,
  )
}

/**
 * Returns a label for each variant of an algorithm: the short form if all short forms differ, else the long form.
 * @param variants one run of each variant
 * @param hasSpaces whether the labels name the search space, even if it is the same for all variants
 */
function labels(variants: readonly RunRecord[], hasSpaces: boolean): readonly string[] {
  const identities = variants.map(identity)
  const keys = [...new Set([...differingKeys(identities), ...(hasSpaces ? ['space'] : [])])]
  const [short, full] = [shortLabel, longLabel].map((words) =>
    identities
      .map((record) => words(record, keys))
      .map((text) => (text === '' ? nameOf(variants[0]) : `${nameOf(variants[0])} (${text})`)),
  )
  return new Set(short).size === variants.length ? short : full
}

/**
 * Splits the runs of one method by search budget if any dataset was searched under several budgets; otherwise returns
 * them as one group.
 */
function splitByBudget(runs: readonly RunRecord[]): (readonly RunRecord[])[] {
  const byDataset = [...groupBy(runs, datasetOf).values()].map((group) => groupBy(group, budgetOf).size)
  return Math.max(...byDataset) > 1 ? [...groupBy(runs, budgetOf).values()] : [runs]
}

const spaceOf = ({ manifest }: RunRecord): string => manifest.job.space
const budgetOf = ({ manifest }: RunRecord): string => String(manifest.job.budgetSeconds)

const nameOf = ({ manifest }: RunRecord): string => manifest.job.algorithm.name

/**
 * Returns the settings of a run's job in which two variants of one algorithm can differ: first the algorithm's options,
 * then the search budget, the search space and the protocol.
 */
function identity({ manifest: { job } }: RunRecord) {
  const { algorithm, ...rest } = settings(job)
  const { budgetSeconds } = job
  return { algorithm, ...(budgetSeconds !== undefined && { budgetSeconds }), ...rest }
}

/**
 * Returns the settings of a job that decide to which method its run belongs: algorithm, options, search space and
 * protocol, but not the seed, the dataset, the search budget and the names of the reported accuracies.
 */
function settings({ algorithm, space, protocol }: Pick<Job, 'algorithm' | 'space' | 'protocol'>) {
  return { ...algorithmSettings(algorithm), space, protocol: searchSettings(protocol) }
}

const algorithmSettings = ({ name, options, ...code }: Job['algorithm']) => ({ algorithm: name, ...options, ...code })
const searchSettings = ({ headline: _, ...search }: Job['protocol']) => search

const algorithmKey = onceEach((algorithm: Job['algorithm']) => contentName(algorithmSettings(algorithm)))
const protocolKey = onceEach((protocol: Job['protocol']) => contentName(searchSettings(protocol)))

/**
 * Returns the long form of a method's label, without the algorithm's name: the settings with the given names, as in
 * `k=4, progressive=false`.
 */
export const longLabel = (record: object, keys: readonly string[]): string =>
  valuesAt(record, keys)
    .map(([key, value = textOfAbsent(key.replace(/^protocol\./, ''))]) => `${key}=${value}`)
    .join(', ')

/**
 * Returns the short form of a method's label, without the algorithm's name: the settings with the given names. Flags
 * that are set appear by name only, flags that are not set are left out: `k=4, progressive`.
 */
const shortLabel = (record: object, keys: readonly string[]): string =>
  valuesAt(record, keys)
    .filter(([, value]) => value !== undefined && value !== 'false')
    .map(([key, value]) => (value === 'true' ? key : `${key}=${value}`))
    .join(', ')

/**
 * Returns the values of the settings with the given names. If the protocols have different names, the protocol's name
 * is returned in place of its settings.
 */
function valuesAt(record: object, keys: readonly string[]): (readonly [key: string, value: string | undefined])[] {
  const named = keys.includes('protocol.name')
  const shown = keys.filter((key) => !named || key === 'protocol.name' || !key.startsWith('protocol.'))
  const values = flatten(record)
  return shown.map((key) => [key.replace('protocol.name', 'protocol'), values.get(key)])
}

/**
 * Returns the label of a method for a table of full trainings or a picture. An architecture that the user gave would be
 * too long, so the label is its published name, else the search that found it, else its index in the space or its hash,
 * and its search space if there are several.
 */
export function labelOf({ algorithm, label, space, runs }: Method): string {
  const { space: own, algorithm: given } = runs[0].manifest.job
  const known = builtinSpaces[own]
  const family = known?.family
  if (algorithm !== knownGenotype.name || family === undefined) return label
  const written = String(given.options.genotype)
  const finders = runs.flatMap(({ manifest: { foundBy } }) => (foundBy ? finderText(foundBy, runs[0]) : []))
  const finder = finders.length === 0 ? undefined : [...new Set(finders)].join(' and ')
  const published = family.publishedName?.(family.parse(written))
  const name = published ?? finder ?? architectureName(known, written) ?? `genotype ${contentName(written).slice(0, 8)}`
  return space === undefined ? name : `${name} (space=${space})`
}

/**
 * Returns a text for the search that found an architecture: `drnas (seed 0)`, with the dataset searched on if the
 * architecture is trained on another one.
 */
function finderText({ algorithm, dataset, seed }: Finder, { manifest }: RunRecord): string {
  const where = dataset === manifest.job.dataset.name ? '' : ` on ${dataset}`
  return `${algorithm} (seed ${seed}${where})`
}

/**
 * Returns the label of each run's method among the given runs, so that variants of one algorithm have different names:
 * `drnas (k=4)`.
 */
export const methodLabels = (runs: readonly RunRecord[]): ReadonlyMap<RunRecord, string> =>
  new Map(groupByMethod(runs).flatMap((method) => method.runs.map((run) => [run, labelOf(method)] as const)))
