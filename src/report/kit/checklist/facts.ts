/** Facts about the runs of a report, and the groups of runs for which an answer to a checklist may not hold. */
import { pluralize } from '../../../core/plainText.ts'
import { IMPORTED } from '../../../protocols/imported.ts'
import { runId } from '../../../runner/plan/identity.ts'
import { distinct } from '../../../system/groupBy.ts'
import { type Claims, claimsTable } from '../../comparison/claims.ts'
import { reductionsOf } from '../../comparison/published.ts'
import { groupByMethod, type Method, methodLabels } from '../../methods.ts'
import { importedFiles, seedList } from '../../page/reproducibility.ts'
import { missingRunsText, type PlannedRuns } from '../../plannedRuns.ts'
import { hasFailed, isFinished, isImported, isUnfinished, type RunRecord } from '../../runRecord.ts'
import { computeOf, type PreliminaryCompute } from '../ledger.ts'
import { licencesOf } from '../licences.ts'
import { usesPlugin } from '../reproduce.ts'

/** The runs, settings and claims from which the answers to a checklist are computed. */
export interface Evidence {
  readonly runs: readonly RunRecord[]
  /** Names of the algorithms that answer with a fixed architecture. */
  readonly references: ReadonlySet<string>
  readonly claims?: Claims
  readonly preliminary?: readonly PreliminaryCompute[]
  /** Names of the files that lie beside the checklist, which its answers may cite; absent: none. */
  readonly files?: ReadonlySet<string>
  /** The planned runs of the experiment; absent: not known. */
  readonly planned?: PlannedRuns
}

/** Groups of runs for which an answer may not hold. */
export type Exceptions = Readonly<Record<keyof typeof EXCEPTION_WORDS, readonly RunRecord[]>>

/** How an answer names each group of runs for which it does not hold. */
export const EXCEPTION_WORDS = {
  failed: (count: number) => pluralize(count, 'failed run'),
  unfinished: (count: number) => pluralize(count, 'unfinished run'),
  edited: (count: number) => `${pluralize(count, 'run')} whose record was changed or comes from elsewhere`,
  imported: (count: number) => `${pluralize(count, 'run')} imported from other programs`,
  plugin: (count: number) => `${pluralize(count, 'run')} of plugins`,
} as const

function exceptionsOf(runs: readonly RunRecord[]): Exceptions {
  return {
    failed: runs.filter(hasFailed),
    unfinished: runs.filter(isUnfinished),
    edited: runs.filter(({ manifest: { id, job } }) => runId(job) !== id),
    imported: runs.filter(isImported),
    plugin: runs.filter(isOfPlugin),
  }
}

/** Returns whether a run needs a plugin, whose code this program does not know. */
export const isOfPlugin = ({ manifest }: RunRecord): boolean => usesPlugin(manifest.job)

/** Facts about all runs of a report, computed once for all questions of a checklist. */
export interface Facts {
  readonly runs: readonly RunRecord[]
  readonly exceptions: Exceptions
  /** The label of each run's method. */
  readonly labels: ReadonlyMap<RunRecord, string>
  readonly compute: ReturnType<typeof computeOf>
  readonly preliminary: readonly PreliminaryCompute[]
  /** The searches that are compared, without the references. */
  readonly searches: readonly Method[]
  /** Number of finished seeds of each search, by its label. */
  readonly seedCounts: ReadonlyMap<string, number>
  readonly seeds: string
  readonly datasets: readonly string[]
  readonly tables: readonly string[]
  readonly protocols: readonly string[]
  readonly reductions: readonly string[]
  readonly machines: readonly string[]
  readonly versions: readonly string[]
  readonly executors: readonly string[]
  readonly isDeterministic: boolean
  readonly licences: ReturnType<typeof licencesOf>
  readonly claims?: string
  readonly files: ReadonlySet<string>
  /** Sentences about failed, unfinished and third-party runs, which qualify every answer. */
  readonly caveats: readonly string[]
}

export function factsOf({ runs, references, claims, preliminary = [], files = new Set(), planned }: Evidence): Facts {
  const jobs = runs.map(({ manifest }) => manifest.job)
  const searches = groupByMethod(runs).filter(({ algorithm }) => !references.has(algorithm))
  // The environment of an imported run is that of the import; where it was computed is unknown.
  const computed = runs.filter((run) => !isImported(run))
  const environments = computed.flatMap(({ manifest }) => [manifest.environment, ...(manifest.resumedIn ?? [])])
  const trained = jobs.filter(({ executor }) => executor !== undefined)
  return {
    runs,
    exceptions: exceptionsOf(runs),
    labels: methodLabels(runs),
    compute: computeOf(computed),
    preliminary,
    searches,
    seedCounts: new Map(searches.map((method) => [method.label, seedsOf(method.runs).size])),
    seeds: seedList([...seedsOf(searches.flatMap((method) => method.runs))]),
    datasets: distinct(jobs.map(({ dataset }) => dataset.name)),
    tables: distinct(
      jobs.flatMap(({ table }) => (table ? `${table.name} (SHA-256 ${table.sha256.slice(0, 16)})` : [])),
    ),
    protocols: distinct(jobs.map(({ protocol }) => protocol.name).filter((name) => name !== IMPORTED)),
    reductions: reductionsOf(runs),
    machines: distinct(environments.map(({ cpu, platform }) => `${cpu}, ${platform}`)),
    versions: distinct(environments.map(({ version, node }) => `${version} on Node.js ${node}`)),
    executors: distinct(
      trained.flatMap(({ executor, arithmetic }) => `${executor}${arithmetic ? ` (${arithmetic})` : ''}`),
    ),
    isDeterministic: trained.every(({ arithmetic }) => arithmetic === 'deterministic'),
    licences: licencesOf(runs),
    ...(claims && { claims: claimsTable(runs, claims, references).notes[0] }),
    files,
    caveats: [missingRunsText(planned) ?? [], caveatsOf(runs)].flat(),
  }
}

const seedsOf = (runs: readonly RunRecord[]): ReadonlySet<number> =>
  new Set(runs.filter(isFinished).map(({ manifest }) => manifest.job.seed))

/** Returns sentences about failed, unfinished, edited and third-party runs, which the answers must mention. */
export function caveatsOf(runs: readonly RunRecord[]): string[] {
  const { failed, unfinished, edited, imported, plugin } = exceptionsOf(runs)
  const labels = methodLabels(runs)
  const plugins = distinct(plugin.map(({ manifest }) => manifest.job.algorithm.name))
  const protocols = distinct(runs.map(({ manifest }) => manifest.job.protocol.name))
  const tables = distinct(runs.map(({ manifest }) => manifest.job.table?.sha256 ?? 'none'))
  const versions = distinct(runs.map(({ manifest }) => manifest.environment.version))
  return [
    ...(failed.length > 0 ? [`${pluralize(failed.length, 'run')} failed: ${named(failed, labels)}.`] : []),
    ...(unfinished.length > 0
      ? [`${pluralize(unfinished.length, 'run')} did not finish: ${named(unfinished, labels)}.`]
      : []),
    ...(edited.length > 0
      ? [
          `The name of ${pluralize(edited.length, 'run')} is not the hash of its job, so its record was changed or comes from elsewhere: ${named(edited, labels)}.`,
        ]
      : []),
    ...(imported.length > 0
      ? [
          `${pluralize(imported.length, 'run')} of other programs ${imported.length === 1 ? 'was' : 'were'} imported from ${importedFiles(imported)}; settings and compute are unknown and not counted.`,
        ]
      : []),
    ...(plugins.length > 0
      ? [
          `${plugins.join(', ')} ${plugins.length === 1 ? 'is' : 'are'} of plugins, whose code this program does not know.`,
        ]
      : []),
    ...(protocols.length > 1 ? [`The runs follow ${protocols.length} protocols: ${protocols.join(', ')}.`] : []),
    ...(tables.length > 1 ? ['The runs were not all looked up in the same table.'] : []),
    ...(versions.length > 1 ? [`The runs were made by several versions of the program: ${versions.join(', ')}.`] : []),
  ]
}

const MOST_NAMED = 4

/** Returns the methods and seeds of the runs as text, at most `MOST_NAMED` of them. */
export function named(runs: readonly RunRecord[], labels: Facts['labels']): string {
  const names = runs.slice(0, MOST_NAMED).map((run) => `${labels.get(run)} seed ${run.manifest.job.seed}`)
  return runs.length > MOST_NAMED ? `${names.join(', ')} and ${runs.length - MOST_NAMED} more` : names.join(', ')
}
