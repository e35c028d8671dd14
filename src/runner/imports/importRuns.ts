/**
 * Imports runs of other programs into a store: looks the architectures up in a table and writes records that are marked
 * as imported. Everything is read and checked before anything is written.
 */
import { basename } from 'node:path'
import { BenchError } from '../../core/errors.ts'
import type { Evaluator } from '../../core/evaluation.ts'
import { accuracyOf } from '../../core/metric.ts'
import type { Headline } from '../../core/protocol.ts'
import type { EpochRecord, Job, ResultRecord, RunManifest } from '../../core/result.ts'
import type { SearchSpace } from '../../core/space.ts'
import { importedProtocol } from '../../protocols/imported.ts'
import { findPreset, resolveProtocol } from '../../protocols/index.ts'
import { describeEnvironment } from '../../system/environment.ts'
import { contentName } from '../../system/json.ts'
import { checkLimit } from '../../system/limits.ts'
import { isThere } from '../../system/readable.ts'
import { openTable } from '../../tables/openTable.ts'
import { tableEvaluator } from '../../tables/tableEvaluator.ts'
import { runId } from '../plan/identity.ts'
import { findLookup, type Lookup, tableIdentity } from '../plan/lookup.ts'
import type { FinishedRun } from '../store/runFolder.ts'
import type { Store } from '../store/store.ts'
import { type ForeignOptions, type ForeignPoint, type ForeignRun, readForeignRuns } from './foreignRuns.ts'

export interface ImportRunsOptions extends Omit<ForeignOptions, 'seed'> {
  /** Seed of the runs if only one file is imported; replaces the seed in the file, if there is one. */
  readonly seed?: number
  /** Name or path of the lookup table; absent: the first one with the search space and the dataset. */
  readonly table?: string
  readonly store: Store
  /** Called with the number of runs looked up so far and the number of all runs. */
  readonly onProgress?: (done: number, total: number) => void
}

/** What an import wrote to the store and what it left out. */
export interface ImportedRuns {
  /** Ids of the runs that were written. */
  readonly imported: readonly string[]
  /** Ids of the runs that were already in the store with the same content. */
  readonly known: readonly string[]
  /** Number of lines left out because of unknown architectures; `skippedRuns` is the number of whole runs left out. */
  readonly skipped: number
  readonly skippedRuns: number
  readonly methods: readonly string[]
}

/**
 * Imports the runs in files of other programs into a store.
 * @throws BenchError `bad-input` that names the faulty line of a file, or the run of which the store has another
 * version; in both cases nothing is written
 */
export async function importRuns(files: readonly string[], options: ImportRunsOptions): Promise<ImportedRuns> {
  const { store, space, table, answerEpoch, onProgress } = options
  if (options.seed !== undefined && files.length > 1) {
    throw new BenchError('bad-input', `--seed ${options.seed} is the seed of one file; import each file by itself`)
  }
  const read = []
  for (const path of files) read.push({ path, file: await readForeignRuns(path, options) })
  const all = read.flatMap(({ path, file }) => file.runs.map((run) => ({ path, file, run })))
  refuseTwice(all)
  const targets = new Map<string, Target>()
  const finished: FinishedRun[] = []
  let done = 0
  let skipped = 0
  let skippedRuns = 0
  for (const { path, file, run } of all) {
    const target = targets.get(run.dataset) ?? (await targetFor(space, run.dataset, table))
    targets.set(run.dataset, target)
    const from = { file: basename(path), sha256: file.sha256, format: file.format }
    const cut = answerEpoch === undefined ? run : untilEpoch(run, answerEpoch, basename(path))
    const known = await inTable(cut, target, options, from.file)
    skipped += cut.points.length - known.points.length
    if (known.points.at(-1) === cut.points.at(-1)) finished.push(await recordsOf(known, space, target, from))
    else skippedRuns++
    onProgress?.(++done, all.length)
  }
  refuseOtherContent(finished, store)
  store.prepare()
  const imported = finished.filter((run) => store.run(run.manifest.id).takeOver(run)).map(({ manifest }) => manifest.id)
  const isNew = new Set(imported)
  return {
    imported,
    known: finished.map(({ manifest }) => manifest.id).filter((id) => !isNew.has(id)),
    skipped: read.reduce((sum, { file }) => sum + file.skipped, skipped),
    skippedRuns: read.reduce((sum, { file }) => sum + file.skippedRuns, skippedRuns),
    methods: [...new Set(all.map(({ run }) => run.method))],
  }
}

/** Throws if two files have a run of the same method, dataset and seed. */
function refuseTwice(all: readonly { readonly path: string; readonly run: ForeignRun }[]): void {
  const files = new Map<string, string>()
  for (const { path, run } of all) {
    const name = `seed ${run.seed} of ${run.method} on ${run.dataset}`
    const other = files.get(name)
    if (other !== undefined && other !== path) {
      throw new BenchError('bad-input', `${name} is in ${other} and in ${path}; import one of them, or give --seed`)
    }
    files.set(name, path)
  }
}

/** Throws if the store has a run of the same method, dataset, seed, space and table with other content. */
function refuseOtherContent(runs: readonly FinishedRun[], store: Store): void {
  const folders = runsOf(store)
  const present = new Map(folders.map(({ id, job }) => [contentName({ ...job, imported: undefined }), id]))
  for (const { manifest } of runs) {
    const id = present.get(contentName({ ...manifest.job, imported: undefined }))
    if (id === undefined || id === manifest.id) continue
    const { algorithm, dataset, seed } = manifest.job
    const found = `seed ${seed} of ${algorithm.name} on ${dataset.name} was imported before with other content (${id})`
    throw new BenchError('bad-input', `${found}; give another --method or --store, or delete that folder`)
  }
}

/** Returns the imported runs of a store; none if it does not exist yet. */
function runsOf(store: Store): readonly { readonly id: string; readonly job: Job }[] {
  if (!isThere(store.folder)) return []
  return store.runs().flatMap((folder) => {
    const { id, job } = folder.manifest()
    return job.imported === undefined ? [] : [{ id, job }]
  })
}

/** The lookup table, its evaluator and the reported columns for the runs of one dataset. */
interface Target {
  readonly lookup: Lookup
  readonly evaluator?: Evaluator
  readonly headline: readonly Headline[]
}

async function targetFor(space: SearchSpace, dataset: string, table: string | undefined): Promise<Target> {
  const { headline } = resolveProtocol(findPreset('micro').name, { space: space.name, dataset, algorithm: '' })
  const lookup = await findLookup({ space, dataset, wanted: headline[dataset], ...(table !== undefined && { table }) })
  if (lookup.table === undefined) return { lookup, headline: [] }
  const evaluator = tableEvaluator(await openTable(lookup.table), space, dataset)
  return { lookup, evaluator, headline: lookup.headline }
}

/**
 * Returns a run without the epochs after `answer`, the one that gives its final architecture. @throws BenchError if the
 * run does not have this epoch
 */
function untilEpoch(run: ForeignRun, answer: number, file: string): ForeignRun {
  const points = run.points.filter(({ epoch }) => epoch !== undefined && epoch <= answer)
  if (points.at(-1)?.epoch === answer) return { ...run, points }
  const epochs = run.points.flatMap(({ epoch }) => epoch ?? [])
  const has = epochs.length === 0 ? 'no epochs' : `the epochs ${epochs[0]} to ${epochs[epochs.length - 1]}`
  throw new BenchError(
    'bad-input',
    `${file}: seed ${run.seed} of ${run.method} has no architecture of epoch ${answer}; it has ${has}`,
  )
}

/**
 * Returns a run with only those architectures that the lookup table has.
 * @throws BenchError `missing` that names the place of the first other one, unless the user skips such lines
 */
async function inTable(
  run: ForeignRun,
  { lookup, evaluator }: Target,
  { space, skipUnknown = false }: ImportRunsOptions,
  file: string,
): Promise<ForeignRun> {
  if (evaluator === undefined) return run
  const points: ForeignPoint[] = []
  for (const point of run.points) {
    const isKnown = (await evaluator.lookup(point.genotype)) !== undefined
    if (isKnown) points.push(point)
    else if (!skipUnknown) {
      const found = `${file}, ${point.place}: table ${lookup.manifest?.name} has no row for ${space.format(point.genotype)}`
      throw new BenchError(
        'missing',
        `${found}; name another with --table, or leave such lines out with --skip-unknown`,
      )
    }
  }
  return { ...run, points }
}

async function recordsOf(
  run: ForeignRun,
  space: SearchSpace,
  { lookup, evaluator, headline }: Target,
  importedFrom: NonNullable<RunManifest['importedFrom']>,
): Promise<FinishedRun> {
  const { method, seed, dataset, points, queries } = run
  const form = formOf(run, importedFrom.file)
  const answers = points.map(({ genotype, epoch, seconds }) => [space.format(genotype), epoch ?? null, seconds ?? null])
  const job: Job = {
    algorithm: { name: method, version: 1, options: {} },
    space: space.name,
    dataset: { name: dataset },
    ...(lookup.manifest && { table: tableIdentity(lookup.manifest) }),
    protocol: importedProtocol({ [dataset]: headline }),
    probes: [],
    seed,
    imported: { content: contentName({ answers, epochs: run.epochs ?? null, queries: queries ?? null }) },
  }
  const id = runId(job)
  const last = points[points.length - 1]
  const found = await evaluator?.lookup(last.genotype)
  const epochs = form === 'epochs' ? await epochRecords(run, space, evaluator, importedFrom.file) : []
  const oracle = form === 'clock' ? await clockOf(run, space, evaluator, headline) : queriesOf(queries)
  const now = new Date().toISOString()
  const result: ResultRecord = {
    schema: 1,
    id,
    algorithm: method,
    space: space.name,
    dataset,
    table: job.table?.name ?? null,
    protocol: job.protocol.name,
    seed,
    genotype: space.format(last.genotype),
    metrics: found?.metrics ?? [],
    ...(found?.parameters !== undefined && { parameters: found.parameters }),
    ...(found?.macs !== undefined && { macs: found.macs }),
    epochs: run.epochs ?? epochs.length,
    ...(oracle && { oracle }),
    timing: { wallSeconds: 0, startedAt: now, finishedAt: now },
  }
  return { manifest: { schema: 1, id, job, importedFrom, environment: describeEnvironment() }, epochs, result }
}

/**
 * Tells how the architectures of a run are ordered: by epochs, by the seconds of a clock, or not at all if there is
 * only one.
 * @throws BenchError `bad-input` if they cannot be ordered, or if epochs or seconds decrease
 */
function formOf({ method, seed, points }: ForeignRun, file: string): 'epochs' | 'clock' | 'answer' {
  const fault = ({ place }: ForeignPoint, problem: string) =>
    new BenchError('bad-input', `${file}, ${place}: seed ${seed} of ${method} ${problem}`)
  const [first, ...others] = points
  const key = first.epoch !== undefined ? 'epoch' : first.seconds !== undefined ? 'seconds' : undefined
  let before = first
  for (const point of others) {
    if (key === undefined) throw fault(point, 'has a second architecture; add a column epoch or seconds')
    const value = point[key]
    if (value === undefined) throw fault(point, `has no ${key} here, but one at ${first.place}`)
    for (const order of ['epoch', 'seconds'] as const) {
      const [now, earlier] = [point[order], before[order]]
      if (now === undefined || earlier === undefined) continue
      const isBack = order === key && key === 'epoch' ? now <= earlier : now < earlier
      if (isBack) throw fault(point, `goes back from ${order} ${earlier} to ${now}; sort its lines, one for each epoch`)
    }
    before = point
  }
  if (key === undefined) return 'answer'
  return key === 'epoch' ? 'epochs' : 'clock'
}

/**
 * Returns a record for each epoch from the first to the last one of a run. An epoch that is missing in the file gets
 * the architecture of the epoch before it.
 */
async function epochRecords(
  { points, method, seed }: ForeignRun,
  space: SearchSpace,
  evaluator: Evaluator | undefined,
  file: string,
): Promise<EpochRecord[]> {
  const first = points[0].epoch as number
  const count = (points[points.length - 1].epoch as number) - first + 1
  checkLimit('record-epochs', count, `${file}: seed ${seed} of ${method}`)
  const records: EpochRecord[] = []
  for (const [at, { genotype, epoch, seconds }] of points.entries()) {
    const found = await evaluator?.lookup(genotype)
    const text = space.format(genotype)
    const spent = secondsSince(points[at - 1], seconds)
    const end = points[at + 1]?.epoch ?? (epoch as number) + 1
    for (let number = epoch as number; number < end; number++) {
      const isReported = number === epoch
      records.push({
        epoch: number - first,
        genotype: text,
        metrics: found?.metrics ?? [],
        ...(isReported && spent !== undefined && { seconds: spent }),
      })
    }
  }
  return records
}

const secondsSince = (before: ForeignPoint | undefined, seconds: number | undefined): number | undefined =>
  seconds === undefined || (before !== undefined && before.seconds === undefined)
    ? undefined
    : seconds - (before?.seconds ?? 0)

/**
 * Returns the architectures that a search gave over time, with validation accuracies from the lookup table, in the form
 * in which this program records the queries of a black-box search. Architectures without such an accuracy are left out.
 */
async function clockOf(
  { points }: ForeignRun,
  space: SearchSpace,
  evaluator: Evaluator | undefined,
  headline: readonly Headline[],
): Promise<ResultRecord['oracle']> {
  const queries = []
  for (const { genotype, seconds } of points) {
    const accuracyPct = evaluator && (await validation(genotype, evaluator, headline))
    if (accuracyPct === undefined) continue
    queries.push({ genotype: space.format(genotype), accuracyPct, usedSeconds: seconds as number })
  }
  return { budgetSeconds: null, usedSeconds: points[points.length - 1].seconds as number, queries }
}

async function validation(genotype: ForeignPoint['genotype'], evaluator: Evaluator, [own]: readonly Headline[]) {
  if ((evaluator.fidelities?.length ?? 0) > 0) return (await evaluator.validate(genotype)).accuracyPct
  return accuracyOf((await evaluator.lookup(genotype))?.metrics ?? [], own?.validation)
}

/**
 * Returns the accuracies that the other program recorded over time without architectures, as queries of a black-box
 * search.
 */
const queriesOf = (queries: ForeignRun['queries']): ResultRecord['oracle'] =>
  queries === undefined || queries.length === 0
    ? undefined
    : {
        budgetSeconds: null,
        usedSeconds: queries[queries.length - 1].usedSeconds,
        evaluations: queries.length,
        queries,
      }
