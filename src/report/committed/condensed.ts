/**
 * Searches by the thousand in two small files. `jobs.json` holds what the runs of one algorithm on one dataset share,
 * `runs.csv` a line a run; what the lookup table says of an architecture stands once, in `lookups.csv`. Kept are the
 * numbers that are reported, and of a search's clock the moments at which its best answer improved.
 */
import { parse } from 'csv-parse/sync'
import { z } from 'zod'
import { BenchError } from '../../core/errors.ts'
import { type Metric, parseQualifier } from '../../core/metric.ts'
import { parseRecord, problemIn, sharedRecord } from '../../core/recordSchemas.ts'
import type { Job, RunManifest } from '../../core/result.ts'
import type { SearchSpace } from '../../core/space.ts'
import { runId } from '../../runner/plan/identity.ts'
import { improvements } from '../../runner/store/runSummary.ts'
import { groupBy } from '../../system/groupBy.ts'
import { canonicalJson, recordText } from '../../system/json.ts'
import { csvField } from '../formats/csv.ts'
import type { ReportedResult, WholeRun } from '../runRecord.ts'
import { architectureKey, lookupsCsv } from './lookups.ts'
import { reportedOnly, reportedQualifiers } from './reportedNumbers.ts'

const HEAD = ['job', 'seed', 'run', 'architecture', 'evaluations', 'seconds', 'improvements'] as const

/** What runs that differ in nothing but their seed share. */
interface SharedJob {
  readonly job: Omit<Job, 'seed'>
  readonly environment: RunManifest['environment']
  readonly resumedIn?: RunManifest['resumedIn']
  /** Mean over the runs. */
  readonly wallSeconds: number
  /** First and last moment of the work. */
  readonly startedAt: string
  readonly finishedAt: string
}

export const CONDENSED_FILES = ['jobs.json', 'runs.csv', 'lookups.csv'] as const

export interface CondensedFiles {
  readonly 'jobs.json': string
  readonly 'runs.csv': string
  readonly 'lookups.csv': string
}

type Finished = WholeRun & { readonly result: ReportedResult }

/** @throws BenchError `bad-input` where a run has more to say than a line can hold */
export function condense(runs: readonly WholeRun[], space: SearchSpace): CondensedFiles {
  const groups = grouped(runs.map(requireShort))
  const lines = groups.flatMap((group, job) => group.map((run) => lineOf(run, job, space)))
  return {
    'jobs.json': recordText(groups.map(sharedBy)),
    'runs.csv': [HEAD.join(','), ...lines, ''].join('\n'),
    'lookups.csv': lookupsCsv(groups.flat().map((run) => ({ ...reportedOnly(run), epochs: [] }))),
  }
}

/** The space that the runs of condensed files search. @throws BenchError `corrupt` */
export function condensedSpace(files: Pick<CondensedFiles, 'jobs.json'>): string {
  const [first] = readJobs(files)
  if (first === undefined) throw new BenchError('corrupt', 'jobs.json holds no job')
  return first.job.space
}

/** The runs that condensed files stand for. @throws BenchError `corrupt` where they do not belong together */
export function expand(files: CondensedFiles, space: SearchSpace): readonly WholeRun[] {
  const jobs = readJobs(files)
  const metrics = readLookups(files['lookups.csv'])
  const lines = readCsv('runs.csv', files['runs.csv'], runLine)
  return lines.map((line, i) => {
    const shared = jobs[line.job]
    if (shared === undefined) throw new BenchError('corrupt', `runs.csv names job ${line.job}, which jobs.json lacks`)
    const job: Job = { ...shared.job, seed: line.seed }
    const id = runId(job).replace(/[^-]*$/, line.run)
    const genotype = genotypeOf(line.architecture, space, `runs.csv, line ${i + 2}`)
    return {
      manifest: { schema: 1, id, job, environment: shared.environment, resumedIn: shared.resumedIn },
      epochs: [],
      result: { ...resultOf(shared, job, line), id, genotype, metrics: metricsOf(job, genotype, metrics) },
    }
  })
}

const REMEDY = 'restore it from a copy, or write the report again'

const sharedJobs: z.ZodType<readonly SharedJob[]> = z.array(sharedRecord)

const readJobs = (files: Pick<CondensedFiles, 'jobs.json'>): readonly SharedJob[] =>
  parseRecord(files['jobs.json'], 'jobs.json', {
    schema: sharedJobs,
    what: 'the jobs of a compact report',
    remedy: REMEDY,
  })

/** A number in a file; nothing at all is none. */
const written = z
  .string()
  .regex(/^-?\d+(\.\d+)?(e[-+]?\d+)?$/i, { error: 'expected a number' })
  .transform(Number)
const whole = z
  .string()
  .regex(/^\d{1,15}$/, { error: 'expected a whole number' })
  .transform(Number)
const absent = z.literal('').transform(() => undefined)

/** A line of `runs.csv`. */
const runLine = z.strictObject({
  job: whole,
  seed: whole,
  run: z.string().regex(/^[0-9a-f]{16}$/, { error: 'expected 16 hexadecimal digits' }),
  architecture: z.string(),
  evaluations: z.union([absent, whole], { error: 'expected a whole number or nothing' }),
  seconds: z.union([absent, written], { error: 'expected a number or nothing' }),
  improvements: z
    .string()
    .regex(/^(\d+ -?\d+\.\d\d( (?!$)|$))*$/, { error: 'expected pairs of seconds and accuracies' }),
})

type RunLine = z.infer<typeof runLine>

/** A line of `lookups.csv`. */
const lookupLine = z.strictObject({
  table: z.string(),
  sha256: z.string(),
  architecture: z.string(),
  qualifier: z.string(),
  accuracyPct: written,
})

/** The lines of a file with a head. @throws BenchError `corrupt` naming file, line and column */
function readCsv<Line extends z.ZodObject>(name: string, text: string, line: Line): z.infer<Line>[] {
  const columns = Object.keys(line.shape)
  const rows = parseCsv(name, text)
  const found = rows[0] ?? []
  if (found.join() !== columns.join()) {
    throw new BenchError('corrupt', `${name} begins with "${found.join()}", expected "${columns.join()}"; ${REMEDY}`)
  }
  return rows.slice(1).map((cells, i) => {
    const checked = line.safeParse(Object.fromEntries(columns.map((column, at) => [column, cells[at]])))
    if (checked.success) return checked.data
    throw new BenchError('corrupt', `${name}, line ${i + 2}: ${problemIn(checked.error)}; ${REMEDY}`)
  })
}

function parseCsv(name: string, text: string): string[][] {
  try {
    return parse(text)
  } catch (cause) {
    throw new BenchError('corrupt', `${name} cannot be read: ${(cause as Error).message}; ${REMEDY}`, { cause })
  }
}

function requireShort(run: WholeRun): Finished {
  const { manifest, epochs, result } = run
  if (result === undefined) {
    throw new BenchError('bad-input', `${manifest.id} is not finished; a compact report holds finished searches only`)
  }
  if (epochs.length > 1 || result.trainings !== undefined) {
    throw new BenchError(
      'bad-input',
      `${manifest.id} has epochs or trainings that a compact report would lose; leave out --compact`,
    )
  }
  return { ...run, result }
}

function grouped(runs: readonly Finished[]): readonly (readonly Finished[])[] {
  const groups = groupBy(runs, ({ manifest: { job, environment, resumedIn } }) => {
    const { seed: _, ...shared } = job
    return canonicalJson({ job: shared, environment, resumedIn })
  })
  return [...groups.values()]
}

function sharedBy(runs: readonly Finished[]): SharedJob {
  const [{ manifest }] = runs
  const { seed: _, ...job } = manifest.job
  const times = runs.map(({ result }) => result.timing)
  return {
    job,
    environment: manifest.environment,
    resumedIn: manifest.resumedIn,
    wallSeconds: times.reduce((sum, { wallSeconds }) => sum + wallSeconds, 0) / runs.length,
    startedAt: times.map(({ startedAt }) => startedAt).sort()[0],
    finishedAt: times.map(({ finishedAt }) => finishedAt).sort()[runs.length - 1],
  }
}

/** Seconds are rounded up, accuracies to 0.01 %: `139 66.06 412 81.20`. */
function lineOf({ manifest: { id, job }, result }: Finished, at: number, space: SearchSpace): string {
  const { oracle, genotype } = result
  const improved = improvements(oracle?.queries ?? []).map(
    ({ usedSeconds, accuracyPct }) => `${Math.ceil(usedSeconds)} ${accuracyPct.toFixed(2)}`,
  )
  const hash = id.slice(id.lastIndexOf('-') + 1)
  const clock = oracle === undefined ? ['', ''] : [oracle.queries.length, Math.ceil(oracle.usedSeconds)]
  return [at, job.seed, hash, architectureName(genotype, space), ...clock, improved.join(' ')].join(',')
}

/** Its number where the space has numbers, else its notation, quoted. */
function architectureName(genotype: string, space: SearchSpace): string {
  const { numbering } = space
  return numbering === undefined ? csvField(genotype) : String(numbering.indexOf(space.parse(genotype)))
}

/** @throws BenchError `corrupt` where the space has no such architecture */
function genotypeOf(name: string, space: SearchSpace, line: string): string {
  try {
    return space.format(space.numbering === undefined ? space.parse(name) : space.numbering.at(Number(name)))
  } catch (cause) {
    const { message } = cause as Error
    throw new BenchError('corrupt', `${line}: architecture "${name}" is none of ${space.name}: ${message}`, { cause })
  }
}

function resultOf(
  { wallSeconds, startedAt, finishedAt }: SharedJob,
  job: Job,
  { evaluations, seconds, improvements }: RunLine,
): Omit<ReportedResult, 'id' | 'genotype' | 'metrics'> {
  const numbers = improvements.split(' ').map(Number)
  const queries = Array.from({ length: numbers.length >> 1 }, (_, i) => ({
    usedSeconds: numbers[2 * i],
    accuracyPct: numbers[2 * i + 1],
  }))
  return {
    schema: 1,
    algorithm: job.algorithm.name,
    space: job.space,
    dataset: job.dataset.name,
    table: job.table?.name ?? null,
    protocol: job.protocol.name,
    seed: job.seed,
    epochs: 1,
    ...(evaluations !== undefined && {
      oracle: { budgetSeconds: job.budgetSeconds ?? null, usedSeconds: seconds ?? 0, queries },
    }),
    timing: { wallSeconds, startedAt, finishedAt },
  }
}

/** Architecture in its table ↦ qualifier ↦ accuracy in %. */
function readLookups(csv: string): ReadonlyMap<string, ReadonlyMap<string, number>> {
  const byArchitecture = new Map<string, Map<string, number>>()
  for (const { table, sha256, architecture, qualifier, accuracyPct } of readCsv('lookups.csv', csv, lookupLine)) {
    const key = architectureKey({ name: table, sha256 }, architecture)
    const known = byArchitecture.get(key) ?? new Map<string, number>()
    byArchitecture.set(key, known.set(qualifier, accuracyPct))
  }
  return byArchitecture
}

function metricsOf(job: Job, genotype: string, lookups: ReturnType<typeof readLookups>): Metric[] {
  const known = lookups.get(architectureKey(job.table, genotype))
  return reportedQualifiers(job).flatMap((qualifier) => {
    const accuracyPct = known?.get(qualifier)
    return accuracyPct === undefined ? [] : [{ ...parseQualifier(qualifier), accuracyPct }]
  })
}
