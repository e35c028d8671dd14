/**
 * Reads and writes the inputs of a committed report: `report.json`, which holds the settings of the report, and the
 * records of its search runs. The records are either run folders, as in a store, or one compact file with a line for
 * each run.
 */
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { z } from 'zod'
import { BenchError } from '../../core/errors.ts'
import { formatQualifier, type Metric } from '../../core/metric.ts'
import { parseRecord } from '../../core/parseRecord.ts'
import { printable } from '../../core/plainText.ts'
import { fileNameSchema, recordSchemas } from '../../core/recordSchemas.ts'
import type { EpochRecord, Job, ResultRecord } from '../../core/result.ts'
import type { SearchSpace } from '../../core/space.ts'
import { improvements, reportedEpoch } from '../../runner/store/runSummary.ts'
import { Store } from '../../runner/store/store.ts'
import { beyondLimit, limitOf } from '../../system/limits.ts'
import { isThere, listIfThere, readIfThere } from '../../system/readable.ts'
import { claimsSchema } from '../comparison/claims.ts'
import type { TableMean } from '../kit/improvement.ts'
import type { PreliminaryCompute } from '../kit/ledger.ts'
import { plannedSchema } from '../plannedRuns.ts'
import { type RunRecord, readRun, type WholeRun } from '../runRecord.ts'

/**
 * Name of the report's settings file. It contains the settings with which the report is computed and the names of the
 * report's other files.
 */
export const RECIPE = 'report.json'

/**
 * Name of the file with all run records of a compact report: a gzipped text in which each line is the JSON of one run.
 */
export const COMPACT_RECORDS = 'runs.jsonl.gz'

const REMEDY = 'restore it from a copy, or write the report again'

const hours = z.number().min(0)
const runCount = z.int().min(0)
const preliminarySchema = z.strictObject({
  name: z.string(),
  runs: runCount,
  failed: runCount,
  unfinished: runCount,
  coreHours: hours.optional(),
  withoutCoreHours: runCount.optional(),
  cpuHours: hours,
  gpuHours: hours,
  untimed: runCount,
}) satisfies z.ZodType<PreliminaryCompute>

const tableMeanSchema = z.strictObject({
  table: z.string(),
  sha256: z.string(),
  qualifier: z.string(),
  architectures: runCount,
  accuracyPct: z.number(),
}) satisfies z.ZodType<TableMean>

const recipeSchema = z.strictObject({
  schema: z.literal(1),
  title: z.string(),
  published: z.string(),
  mix: z.boolean(),
  /** Claims of papers that the report checks against its runs, each with a rule for its verdict; absent: none. */
  claims: claimsSchema.optional(),
  /**
   * Whether the report includes a paper kit: filled-in checklists, hours of compute, sources, a script that repeats the
   * runs.
   */
  kit: z.boolean().optional(),
  /** CPU and GPU hours of preliminary runs, which were made for the report but are not shown in it; absent: none. */
  preliminary: z.array(preliminarySchema).readonly().optional(),
  /** Mean accuracies of the lookup table, with which the kit compares the searches; absent: not known. */
  tableMeans: z.array(tableMeanSchema).readonly().optional(),
  /**
   * The experiments, stores or reports that the report was made from, with the ids of their runs, if they were several;
   * the compute of each is stated.
   */
  experiments: z
    .array(z.strictObject({ name: z.string(), runs: z.array(fileNameSchema(z)).readonly() }))
    .readonly()
    .optional(),
  /** Number of planned runs, and those that were never begun; absent if no experiment file planned the runs. */
  planned: plannedSchema.optional(),
  /** Names of the report's run folders, in the order in which the report shows the runs; absent in a compact report. */
  runs: z.array(fileNameSchema(z)).optional(),
  /**
   * Names of the report's files, except run folders and `report.json`; absent in reports that old program versions
   * wrote.
   */
  files: z.array(fileNameSchema(z)).optional(),
})

/** Content of a `report.json`: the settings with which the report is computed, and the names of the report's files. */
export type ReportRecipe = z.infer<typeof recipeSchema>

export interface CommittedReport {
  readonly recipe: ReportRecipe
  /** Records of the report's runs, in the order in which the report shows them. */
  readonly runs: readonly RunRecord[]
  /** The search space of all runs of the report. */
  readonly space: SearchSpace
}

/** Type of a function that returns the search space with the given name. @throws BenchError `unknown-name` */
export type SpaceOf = (name: string) => SearchSpace | Promise<SearchSpace>

/**
 * Reads a committed report from its folder. If its `report.json` does not list the report's files, all files in the
 * folder are taken as its files.
 *
 * @throws BenchError `missing` if `report.json` or the records are missing, `corrupt` if they contradict each other
 */
export async function readReport(folder: string, spaceOf: SpaceOf): Promise<CommittedReport> {
  const path = join(folder, RECIPE)
  const recipe = parseRecipe(requiredBytes(path).toString('utf8'), path)
  const files = recipe.files ?? (listIfThere(folder) ?? []).map(({ name }) => name)
  const runs = inOrder(recordsIn(folder), recipe)
  return { recipe: { ...recipe, files }, runs, space: await spaceOf(runs[0].manifest.job.space) }
}

/** Parses the text of a `report.json`. @param path path of the file, for messages @throws BenchError `corrupt` */
export function parseRecipe(text: string, path: string): ReportRecipe {
  const recipe = parseRecord(text, path, {
    schema: recipeSchema as z.ZodType<ReportRecipe>,
    what: 'the recipe of a report',
    remedy: REMEDY,
  })
  // `parseRecord` fills no defaults in, which a rule edited by hand may rely on.
  return recipe.claims === undefined ? recipe : { ...recipe, claims: claimsSchema.parse(recipe.claims) }
}

/** Returns whether a report keeps its run records in one compact file; its `report.json` then lists no run folders. */
export const isCompact = ({ runs }: Pick<ReportRecipe, 'runs'>): boolean => runs === undefined

/**
 * Returns the run records in the order in which `report.json` lists the runs.
 * @throws BenchError `corrupt` if a listed run is missing or there is a run that is not listed
 */
export function inOrder<Run extends RunRecord>(runs: readonly Run[], { runs: order }: ReportRecipe): readonly Run[] {
  if (order === undefined) return runs
  const byId = new Map(runs.map((run) => [run.manifest.id, run]))
  const unlisted = runs.find(({ manifest }) => !order.includes(manifest.id))
  if (unlisted !== undefined) {
    throw new BenchError(
      'corrupt',
      `runs/${unlisted.manifest.id} is not in the list of report.json; remove one of them`,
    )
  }
  return order.map((id) => {
    const run = byId.get(id)
    if (run === undefined) throw new BenchError('corrupt', `report.json names the run ${id}, which is not in runs/`)
    return run
  })
}

function recordsIn(report: string): readonly RunRecord[] {
  const compact = join(report, COMPACT_RECORDS)
  const runs = isThere(compact) ? parseCompact(requiredBytes(compact), compact) : runFoldersIn(report)
  if (runs.length > 0) return runs
  throw new BenchError('missing', `${report} has no records in runs/ or ${COMPACT_RECORDS}; it cannot be recomputed`)
}

const runFoldersIn = (report: string): readonly WholeRun[] => new Store(join(report, 'runs')).runs().map(readRun)

function requiredBytes(path: string): Buffer {
  const bytes = readIfThere(path)
  if (bytes !== undefined) return bytes
  throw new BenchError('missing', `${path} does not exist; without it the report cannot be recomputed`)
}

/**
 * Returns the run folders of a report as files: each file's content by its path in the report, as a store writes it.
 */
export function runFolderFiles(runs: readonly WholeRun[]): ReadonlyMap<string, string> {
  const pretty = (value: unknown) => printable(`${JSON.stringify(value, null, 2)}\n`)
  return new Map(
    runs.flatMap(({ manifest, epochs, result, failure }) => {
      const folder = `runs/${manifest.id}`
      return [
        [`${folder}/run.json`, pretty(manifest)],
        [`${folder}/epochs.jsonl`, epochs.map((epoch) => printable(`${JSON.stringify(epoch)}\n`)).join('')],
        ...(result ? [[`${folder}/result.json`, pretty(result)] as const] : []),
        ...(failure ? [[`${folder}/failure.json`, pretty(failure)] as const] : []),
      ] as const
    }),
  )
}

/** Returns whether a record is as complete as a run folder. Records that were read from a compact report are not. */
export const isWhole = (run: RunRecord): run is WholeRun =>
  run.epochs.every((epoch) => 'seconds' in epoch) &&
  run.result?.oracle?.evaluations === undefined &&
  (run.result?.oracle?.queries ?? []).every(({ genotype }) => genotype !== undefined)

/**
 * Returns a run's record with only the data that tables and figures read. Of the evaluations of a black-box search it
 * keeps those that were better than all before, without their architectures; of each epoch of a supernet search it
 * keeps the architecture, the looked-up accuracies and the probes' measurements.
 */
export function compacted(run: RunRecord): RunRecord {
  const { manifest, epochs, result, failure } = run
  return {
    manifest,
    // Of a run without a result the times of its epochs are kept, which are all that is known of its cost.
    epochs: result ? epochs.map(reportedEpoch) : epochs.map(timedEpoch),
    ...(result && { result: compactedResult(result) }),
    ...(failure && { failure }),
  }
}

function timedEpoch(epoch: RunRecord['epochs'][number]) {
  const { seconds } = epoch as Partial<EpochRecord>
  return { ...reportedEpoch(epoch), ...(seconds !== undefined && { seconds }) }
}

function compactedResult(result: ResultRecord): ResultRecord {
  const { oracle } = result
  if (oracle === undefined) return result
  const { queries, evaluations = queries.length, ...rest } = oracle
  const answers = improvements(queries).map(({ genotype: _, ...answer }) => answer)
  return { ...result, oracle: { ...rest, evaluations, queries: answers } }
}

/**
 * Returns the content of the compact file `runs.jsonl.gz`.
 * @param runs records as `compacted` returns them
 */
export function formatCompact(runs: readonly RunRecord[]): Uint8Array {
  const lines = runs.map(({ manifest, result, failure, epochs }) =>
    printable(`${JSON.stringify({ manifest, result, failure, epochs })}\n`),
  )
  return gzipSync(lines.join(''), { level: 9 })
}

/**
 * Parses a compact file `runs.jsonl.gz`. To save memory, runs that differ only in their seed share one object for the
 * settings that do not depend on the seed.
 * @throws BenchError `corrupt`; `bad-input` if the unpacked text is longer than the limit `report-mib`
 */
export function parseCompact(bytes: Uint8Array, path: string): readonly RunRecord[] {
  const jobs = new Map<string, Job>()
  const { reportedRun } = recordSchemas()
  return linesOf(unpacked(bytes, path)).map((line, i) => {
    const { manifest, ...run } = parseRecord(line, `${path}, line ${i + 1},`, reportedRun)
    const text = JSON.stringify({ ...manifest.job, seed: 0 })
    const shared = jobs.get(text) ?? manifest.job
    jobs.set(text, shared)
    return { ...run, manifest: { ...manifest, job: { ...shared, seed: manifest.job.seed } } }
  })
}

function unpacked(bytes: Uint8Array, path: string): Buffer {
  try {
    return gunzipSync(bytes, { maxOutputLength: limitOf('report-mib') * 2 ** 20 })
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    if (code === 'ERR_BUFFER_TOO_LARGE') throw beyondLimit('report-mib', `${path} holds more`)
    throw new BenchError('corrupt', `${path} cannot be unpacked: ${message}; ${REMEDY}`, { cause })
  }
}

function linesOf(text: Buffer): readonly string[] {
  const lines: string[] = []
  for (let start = 0; start < text.length; ) {
    const end = text.indexOf(10, start)
    lines.push(text.toString('utf8', start, end === -1 ? text.length : end))
    start = end === -1 ? text.length : end + 1
  }
  return lines
}

/**
 * Returns the names (dataset/split/epochs/seed) of the accuracies that a comparison reports for a job: those that the
 * job's protocol lists for the job's dataset, validation before test.
 */
export const reportedQualifiers = ({ protocol, dataset }: Job): readonly string[] =>
  (protocol.headline[dataset.name] ?? []).flatMap(({ validation, test }) => [validation, test])

/**
 * Returns a run's record without the looked-up accuracies that no comparison reports, so that a committed report proves
 * its numbers without copying the lookup table. Accuracies that our own training measured are all kept.
 */
export function reportedOnly<Run extends RunRecord>(run: Run): Run {
  const { manifest, epochs, result } = run
  if (manifest.job.table === undefined) return run
  const reported = new Set(reportedQualifiers(manifest.job))
  const kept = (metrics: readonly Metric[]) => metrics.filter((metric) => reported.has(formatQualifier(metric)))
  return {
    ...run,
    epochs: epochs.map((epoch) => ({ ...epoch, metrics: kept(epoch.metrics) })),
    ...(result && { result: { ...result, metrics: kept(result.metrics) } }),
  }
}
