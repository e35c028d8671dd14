/** Runs that differ in nothing but their seed (and the dataset searched on) are one method: one row, one line. */

import { BenchError } from '../core/errors.ts'
import { onceEach } from '../core/onceEach.ts'
import type { Job } from '../core/result.ts'
import { groupBy } from '../system/groupBy.ts'
import { canonicalJson, contentName } from '../system/json.ts'
import type { RunRecord } from './runRecord.ts'

export interface Method {
  /** The algorithm's name, and what tells it from its variants in the same comparison: `drnas (k=4)`. */
  readonly label: string
  readonly algorithm: string
  /** Position among the variants of this algorithm, from 0. */
  readonly variant: number
  readonly runs: readonly RunRecord[]
}

/** Methods in the order of their first runs. */
export const groupByMethod = onceEach((runs: readonly RunRecord[]): readonly Method[] => {
  const alike = groupBy(runs, ({ manifest: { job } }) => `${algorithmKey(job.algorithm)} ${protocolKey(job.protocol)}`)
  const groups = [...alike.values()].flatMap(splitByBudget)
  const variants = new Map([...groupBy(groups, ([first]) => nameOf(first)).values()].flatMap(named))
  return groups.map((group) => ({ ...(variants.get(group) as Variant), algorithm: nameOf(group[0]), runs: group }))
})

type Variant = Pick<Method, 'label' | 'variant'>

/** The groups of one algorithm's runs, each with its label and its position among them. */
function named(groups: readonly (readonly RunRecord[])[]): (readonly [readonly RunRecord[], Variant])[] {
  const texts = labels(groups.map(([first]) => first))
  return groups.map((group, variant) => [group, { label: texts[variant], variant }])
}

/**
 * The method with one run for each seed of a dataset and way of training: of several that ended alike the first, and what is
 * not finished only where nothing is.
 * @throws BenchError `bad-input` where two runs of a seed ended with different architectures, or accuracies of full trainings
 */
export function oneRunPerSeed<M extends Method>(method: M): M {
  const { label, runs } = method
  const bySeed = groupBy(runs, ({ manifest: { job } }) =>
    [job.dataset.name, job.seed, ...(job.retraining ? [contentName(job.retraining)] : [])].join(' '),
  )
  const kept = [...bySeed.values()].map((rivals) => {
    const finished = rivals.filter(({ result }) => result !== undefined)
    const [first = rivals[0], ...others] = finished
    const other = others.find((run) => endOf(run) !== endOf(first))
    if (other !== undefined) throw contradiction(label, first, other)
    return first
  })
  return { ...method, runs: kept }
}

/** What a table shows of a finished run, but for looked-up numbers, which follow from the architecture. */
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

/** Of one run of each variant of an algorithm: in few words where these tell all of them apart, else value by value. */
function labels(variants: readonly RunRecord[]): readonly string[] {
  const identities = variants.map(identity)
  const keys = differingKeys(identities)
  const [short, full] = [inWords, describe].map((words) =>
    identities
      .map((record) => words(record, keys))
      .map((text) => (text === '' ? nameOf(variants[0]) : `${nameOf(variants[0])} (${text})`)),
  )
  return new Set(short).size === variants.length ? short : full
}

/** Datasets may each have their own budget; where one was searched under several, each budget is a method. */
function splitByBudget(runs: readonly RunRecord[]): (readonly RunRecord[])[] {
  const byDataset = [...groupBy(runs, datasetOf).values()].map((group) => groupBy(group, budgetOf).size)
  return Math.max(...byDataset) > 1 ? [...groupBy(runs, budgetOf).values()] : [runs]
}

const datasetOf = ({ manifest }: RunRecord): string => manifest.job.dataset.name
const budgetOf = ({ manifest }: RunRecord): string => String(manifest.job.budgetSeconds)

/** Dotted names of the values in which plain records differ, in the order of the records. */
export function differingKeys(records: readonly object[]): readonly string[] {
  const flat = records.map(flatten)
  const keys = [...new Set(flat.flatMap((record) => [...record.keys()]))]
  return keys.filter((key) => new Set(flat.map((record) => record.get(key))).size > 1)
}

/** { a: { b: 1 } } → a.b ↦ '1' */
export function flatten(record: object): ReadonlyMap<string, string> {
  const entries = Object.entries(record).flatMap(([key, value]): [string, string][] =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? [...flatten(value)].map(([inner, text]) => [`${key}.${inner}`, text])
      : [[key, typeof value === 'string' ? value : JSON.stringify(value)]],
  )
  return new Map(entries)
}

const nameOf = ({ manifest }: RunRecord): string => manifest.job.algorithm.name

/** What may tell two variants of an algorithm apart; its own options come first. */
function identity({ manifest: { job } }: RunRecord) {
  const { algorithm, ...rest } = settings(job)
  const { budgetSeconds } = job
  return { algorithm, ...(budgetSeconds !== undefined && { budgetSeconds }), ...rest }
}

/** All but seed, dataset, and what goes with the dataset: its budget, and the numbers that are reported of it. */
function settings({ algorithm, protocol }: Pick<Job, 'algorithm' | 'protocol'>) {
  return { ...algorithmSettings(algorithm), protocol: searchSettings(protocol) }
}

const algorithmSettings = ({ name, options, ...code }: Job['algorithm']) => ({ algorithm: name, ...options, ...code })
const searchSettings = ({ headline: _, ...search }: Job['protocol']) => search

const algorithmKey = onceEach((algorithm: Job['algorithm']) => contentName(algorithmSettings(algorithm)))
const protocolKey = onceEach((protocol: Job['protocol']) => contentName(searchSettings(protocol)))

/** The values of one record at the given keys; of protocols with different names, the name is enough. */
const describe = (record: object, keys: readonly string[]): string =>
  valuesAt(record, keys)
    .map(([key, value = 'none']) => `${key}=${value}`)
    .join(', ')

/** The same without what is off or absent; of what is on, the name is enough: `progressive`. */
const inWords = (record: object, keys: readonly string[]): string =>
  valuesAt(record, keys)
    .filter(([, value]) => value !== undefined && value !== 'false')
    .map(([key, value]) => (value === 'true' ? key : `${key}=${value}`))
    .join(', ')

function valuesAt(record: object, keys: readonly string[]): (readonly [key: string, value: string | undefined])[] {
  const named = keys.includes('protocol.name')
  const shown = keys.filter((key) => !named || key === 'protocol.name' || !key.startsWith('protocol.'))
  const values = flatten(record)
  return shown.map((key) => [key.replace('protocol.name', 'protocol'), values.get(key)])
}
