/**
 * The parts of a report's page with which a reader can repeat its runs: settings, machines and program versions, and a
 * list of the runs.
 */

import { accuracyOf } from '../../core/metric.ts'
import { onceEach } from '../../core/onceEach.ts'
import type { Job } from '../../core/result.ts'
import { IMPORTED } from '../../protocols/imported.ts'
import { distinct, groupBy } from '../../system/groupBy.ts'
import { contentName } from '../../system/json.ts'
import { datasetWords } from '../comparison/comparison.ts'
import { flatten } from '../differences.ts'
import { absent, type Cell, count, digitsFor, number, type Tabular, titled, word } from '../formats/tabular.ts'
import { groupByMethod, methodLabels } from '../methods.ts'
import type { RunRecord } from '../runRecord.ts'

/**
 * Returns the section `Reproducibility` as pairs of a term and its text, such as `Seeds` and `0–3`. If the runs differ
 * in a setting, the text lists all its values.
 */
export function reproducibilityList(runs: readonly RunRecord[]): readonly (readonly [string, string])[] {
  const jobs = runs.map(({ manifest }) => manifest.job)
  const environments = runs.flatMap(({ manifest }) => [manifest.environment, ...(manifest.resumedIn ?? [])])
  const hours = runs.reduce((sum, { result }) => sum + (result?.timing.wallSeconds ?? 0), 0) / 3600
  const protocols = [...new Set(jobs.map(({ protocol }) => protocol))]
  const headlines = protocols.flatMap(({ headline }) => Object.values(headline).flat())
  return [
    ['Runs', `${runs.length}, of which ${runs.filter(({ result }) => result).length} finished`],
    [
      'Methods',
      groupByMethod(runs)
        .map(({ label, runs: seeds }) => `${label} (version ${seeds[0].manifest.job.algorithm.version})`)
        .join(', '),
    ],
    ['Seeds', seedList(jobs.map(({ seed }) => seed))],
    ['Space', distinct(jobs.map(({ space }) => space)).join(', ')],
    [
      'Searched on',
      distinct(
        jobs.map(
          ({ dataset }) =>
            `${datasetWords(dataset.name, runs, dataset.name)}${dataset.contentHash ? ` (content ${dataset.contentHash.slice(0, 16)})` : ''}`,
        ),
      ).join(', '),
    ],
    [
      'Looked up in',
      distinct(jobs.map(({ table }) => (table ? `${table.name} (SHA-256 ${table.sha256})` : 'no table'))).join(', '),
    ],
    ['Reported numbers', distinct(headlines.flatMap(({ validation, test }) => [validation, test])).join(', ')],
    ['Executor', distinct(jobs.map(executorText)).join(', ')],
    ['Probes', distinct(jobs.flatMap(({ probes }) => probes)).join(', ') || 'none'],
    [
      'Program',
      distinct(environments.map(({ version, node }) => `nas-bench-harness ${version} on Node.js ${node}`)).join(', '),
    ],
    ['Hardware', distinct(environments.map(({ cpu, platform }) => `${cpu}, ${platform}`)).join('; ')],
    ['Cost', `${hours.toFixed(digitsFor(hours, 2))} hours of wall time over all finished runs`],
    ...protocolTerms(runs),
  ]
}

const nameOf = onceEach((part: object) => contentName(part))

/** Returns a pair of term and text for each protocol of the runs: its name, and all its settings in one line. */
function protocolTerms(runs: readonly RunRecord[]): [string, string][] {
  const protocols = new Map(runs.map(({ manifest }) => [nameOf(manifest.job.protocol), manifest.job.protocol]))
  return [...protocols.values()].map(({ name, headline: _, ...values }) => [
    `Protocol ${name}`,
    name === IMPORTED
      ? `runs of other programs, whose settings are unknown; read from ${importedFiles(runs)}`
      : [...flatten(values)].map(([key, value]) => `${key} ${value}`).join(', '),
  ])
}

/** Returns the names of the files from which runs were imported, each with the first digits of its hash. */
export function importedFiles(runs: readonly RunRecord[]): string {
  const files = runs.flatMap(({ manifest: { importedFrom } }) =>
    importedFrom === undefined
      ? []
      : `${importedFrom.file} (${importedFrom.format}, SHA-256 ${importedFrom.sha256.slice(0, 16)})`,
  )
  return distinct(files).join(', ')
}

/** Returns one job for each group of runs that differ only in their seed, with a title that names the group's seeds. */
export function configurationsOf(runs: readonly RunRecord[]) {
  const groups = groupBy(runs, ({ manifest: { job } }) =>
    JSON.stringify({
      ...job,
      seed: undefined,
      imported: undefined,
      algorithm: nameOf(job.algorithm),
      protocol: nameOf(job.protocol),
    }),
  )
  const labels = methodLabels(runs)
  return [...groups.values()].map((own) => {
    const { seed: _, ...job } = own[0].manifest.job
    const seeds = seedList(own.map(({ manifest }) => manifest.job.seed))
    return { title: `${labels.get(own[0])} on ${job.dataset.name}, seeds ${seeds}`, job }
  })
}

/** Returns a list of seeds as short text: `0–3, 777`. */
export function seedList(seeds: readonly number[]): string {
  const sorted = [...new Set(seeds)].sort((a, b) => a - b)
  const firsts = sorted.filter((seed, i) => sorted[i - 1] !== seed - 1)
  const lasts = sorted.filter((seed, i) => sorted[i + 1] !== seed + 1)
  return firsts.map((first, i) => (first === lasts[i] ? String(first) : `${first}–${lasts[i]}`)).join(', ')
}

/** Returns the table of a report's runs, one in each row. */
export function runsTable(runs: readonly RunRecord[]): Tabular {
  const labels = methodLabels(runs)
  return {
    columns: titled(['method', 'dataset', 'seed', 'state', 'test', 'minutes', 'architecture', 'run']),
    rows: runs.map((run) => runRow(run, labels.get(run))),
    notes: ['Test: accuracy of the final architecture on the dataset searched on, in %.'],
  }
}

function runRow({ manifest: { id, job }, result, failure }: RunRecord, label: string | undefined): Cell[] {
  const qualifier = job.protocol.headline[job.dataset.name]?.[0]?.test
  const test = accuracyOf(result?.metrics ?? [], qualifier)
  const minutes = result && result.timing.wallSeconds / 60
  return [
    word(label),
    word(job.dataset.name),
    count(job.seed),
    word(result ? 'finished' : failure ? `failed: ${failure.message}` : 'unfinished'),
    number(test, 2),
    minutes === undefined ? absent : number(minutes, digitsFor(minutes, 1)),
    word(result?.genotype),
    word(id),
  ]
}

/**
 * Returns the name of a job's executor with its kind of arithmetic: `static/wasm (deterministic)`. Old records do not
 * state the arithmetic.
 */
const executorText = ({ executor = 'none needed', arithmetic }: Job): string =>
  arithmetic === undefined ? executor : `${executor} (${arithmetic})`
