/**
 * An index of the runs of a store, in the user's cache folder: what tables and figures read of each run, so that a command
 * about thousands of runs does not parse all their records again. The records remain the truth. An entry counts only where
 * the run's files are those that it was made from, by size, inode and both times; everything else is read from the records.
 * An index that is damaged, another store's, another user's or another version's counts as none, and where none can be
 * written the commands work without it.
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, realpathSync, rmSync, type Stats, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { writeAtomically } from '../../core/atomicFile.ts'
import { groupBy } from '../../core/groupBy.ts'
import type { Metric } from '../../core/metric.ts'
import type { FailureRecord, RunManifest } from '../../core/result.ts'
import { seal, unseal } from '../../core/sealedFile.ts'
import { cacheFolder } from '../../core/userFolder.ts'
import { packageVersion } from '../environment.ts'
import type { RunFolder } from './runFolder.ts'
import { type ReportedEpoch, type ReportedResult, type RunSummary, reportedEpoch, summarise } from './runSummary.ts'

/** Raise the number where an entry changes its form or meaning. */
const MAGIC = 'NBHIDX01'
/** Fewer runs are read as fast from their records. */
const FEWEST_RUNS = 64
/** The index is written again where more than one in so many of the runs asked for had no entry. */
const STALE_SHARE = 100
/** A file that changed so short a time before it was read may change again within the resolution of its times. */
const SETTLED_MS = 2000
/** Indexes that were not written for so long are removed. */
const UNUSED_MS = 60 * 86_400_000

export interface IndexedRuns {
  readonly summaries: readonly RunSummary[]
  /** The epochs of one of the runs, by its position; they are read for all runs when they are first asked for. */
  epochs(run: number): readonly ReportedEpoch[]
}

/** The runs as their records are, in the order given. @throws BenchError as the methods of `RunFolder` */
export function readIndexed(runs: readonly RunFolder[], fewest = FEWEST_RUNS): IndexedRuns {
  const parts = [...groupBy(runs, ({ path }) => dirname(path))].map(([folder, own]) => {
    const index = own.length < fewest ? undefined : new StoreIndex(folder)
    const summaries = index?.summaries(own) ?? own.map(summarise)
    return { own, index, summaries }
  })
  const position = new Map(parts.flatMap(({ own }, part) => own.map((run, i) => [run, { part, i }] as const)))
  const places = runs.map((run) => position.get(run) as { readonly part: number; readonly i: number })
  const curves = parts.map(() => undefined as readonly (() => readonly ReportedEpoch[])[] | undefined)
  return {
    summaries: places.map(({ part, i }) => parts[part].summaries[i]),
    epochs(run) {
      const { part, i } = places[run]
      const { own, index } = parts[part]
      curves[part] ??= index?.curves(own) ?? own.map(epochsOf)
      return curves[part][i]()
    },
  }
}

/** Reads the epochs once, when they are asked for. */
function epochsOf(run: RunFolder): () => readonly ReportedEpoch[] {
  let epochs: readonly ReportedEpoch[] | undefined
  return () => {
    epochs ??= run.epochs().map(reportedEpoch)
    return epochs
  }
}

/** Size, inode, time of change and of modification of each file; zeros for a file that is not there. */
type Stamp = readonly number[]

interface SummaryEntry {
  readonly stamp: Stamp
  /** Of the manifest: position among `manifests`, and what differs between runs of one job. */
  readonly manifest: readonly [at: number, id: string, seed: number]
  /** Of the result: position among `results`, and the values of its varying entries. */
  readonly result?: readonly [at: number, ...values: readonly unknown[]]
  readonly failure?: FailureRecord
}

interface CurveEntry {
  readonly stamp: Stamp
  /** Epoch, and positions among `genotypes` and `metrics`, for each epoch; absent where probes measured something. */
  readonly points?: readonly number[]
}

/** With positions among `genotypes`. */
interface EncodedOracle {
  readonly queries: readonly { readonly genotype: number }[]
}

/** What many entries have in common, each once. */
interface Shared {
  readonly manifests: Pool<RunManifest>
  readonly results: Pool<ReportedResult>
  readonly genotypes: Pool<string>
  readonly metrics: Pool<readonly Metric[]>
}

/** The parts are JSON texts, so that a command parses only those that it reads. */
interface IndexFile {
  readonly version: string
  readonly store: string
  readonly shared: string
  readonly summaries: string
  readonly curves: string
}

const SUMMARY_FILES = ['run.json', 'result.json', 'failure.json']
const CURVE_FILES = ['epochs.jsonl']

class StoreIndex {
  readonly #folder: string
  readonly #path: string
  readonly #saved: IndexFile | undefined
  readonly #shared: Shared
  readonly #summaries: Map<string, SummaryEntry>
  #curves: Map<string, CurveEntry> | undefined

  /** @param folder the store */
  constructor(folder: string) {
    this.#folder = realpathSync(folder)
    const name = createHash('sha256').update(this.#folder).digest('hex').slice(0, 32)
    this.#path = cacheFolder('stores', `${name}.index`)
    this.#saved = readSaved(this.#path, this.#folder)
    this.#shared = sharedOf(this.#saved)
    this.#summaries = entriesOf(this.#saved?.summaries)
  }

  summaries(runs: readonly RunFolder[]): readonly RunSummary[] {
    const read = (run: RunFolder, stamp: Stamp) => this.#summaryEntry(summarise(run), stamp)
    const entries = this.#refreshed(this.#summaries, runs, SUMMARY_FILES, read)
    return entries.map((entry) => this.#summary(entry))
  }

  curves(runs: readonly RunFolder[]): readonly (() => readonly ReportedEpoch[])[] {
    this.#curves ??= entriesOf(this.#saved?.curves)
    const read = (run: RunFolder, stamp: Stamp) => this.#curveEntry(run.epochs().map(reportedEpoch), stamp)
    const entries = this.#refreshed(this.#curves, runs, CURVE_FILES, read)
    return entries.map(({ points }, i) =>
      points === undefined ? epochsOf(runs[i]) : () => decodedPoints(points, this.#shared),
    )
  }

  /** The entries of the runs; where many had none that counts, the index is saved. */
  #refreshed<Entry extends { readonly stamp: Stamp }>(
    known: Map<string, Entry>,
    runs: readonly RunFolder[],
    files: readonly string[],
    read: (run: RunFolder, stamp: Stamp) => Entry,
  ): readonly Entry[] {
    let stale = 0
    const unsettled: string[] = []
    const entries = runs.map((run) => {
      const stamp = stampOf(run.path, files)
      const entry = known.get(run.id)
      if (entry !== undefined && isSame(entry.stamp, stamp)) return entry
      const made = read(run, stamp)
      known.set(run.id, made)
      if (isSettled(stamp)) stale++
      else unsettled.push(run.id)
      return made
    })
    for (const id of unsettled) known.delete(id)
    if (stale * STALE_SHARE > runs.length) this.#save()
    return entries
  }

  #summaryEntry({ manifest, result, failure }: RunSummary, stamp: Stamp): SummaryEntry {
    const { id, job } = manifest
    const at = this.#shared.manifests.positionOf({ ...manifest, id: '', job: { ...job, seed: 0 } })
    return {
      stamp,
      manifest: [at, id, job.seed],
      ...(result && { result: this.#resultEntry(result) }),
      ...(failure && { failure }),
    }
  }

  #resultEntry(result: ReportedResult): SummaryEntry['result'] {
    const { genotypes, metrics, results } = this.#shared
    const { oracle } = result
    const values = {
      ...result,
      genotype: genotypes.positionOf(result.genotype),
      metrics: metrics.positionOf(result.metrics),
      ...(oracle && {
        oracle: {
          ...oracle,
          queries: oracle.queries.map((query) => ({ ...query, genotype: genotypes.positionOf(query.genotype ?? '') })),
        },
      }),
    }
    const entries = Object.entries(values)
    const constant = Object.fromEntries(entries.map(([key, value]) => [key, VARYING.has(key) ? null : value]))
    const varying = entries.filter(([key]) => VARYING.has(key)).map(([, value]) => value)
    return [results.positionOf(constant as unknown as ReportedResult), ...varying]
  }

  /** Parts that runs have in common are the same objects. */
  #summary({ manifest: [at, id, seed], result, failure }: SummaryEntry): RunSummary {
    const common = this.#shared.manifests.at(at)
    return {
      manifest: { ...common, id, job: { ...common.job, seed } },
      ...(result && { result: this.#result(result) }),
      ...(failure && { failure }),
    }
  }

  #result([at, ...varying]: NonNullable<SummaryEntry['result']>): ReportedResult {
    const result: Record<string, unknown> = { ...this.#shared.results.at(at) }
    let next = 0
    for (const key in result) if (VARYING.has(key)) result[key] = varying[next++]
    result.genotype = this.#shared.genotypes.at(result.genotype as number)
    result.metrics = this.#shared.metrics.at(result.metrics as number)
    const oracle = result.oracle as EncodedOracle | undefined
    if (oracle !== undefined) {
      const queries = oracle.queries.map((query) => ({ ...query, genotype: this.#shared.genotypes.at(query.genotype) }))
      result.oracle = { ...oracle, queries }
    }
    return result as unknown as ReportedResult
  }

  #curveEntry(epochs: readonly ReportedEpoch[], stamp: Stamp): CurveEntry {
    if (epochs.some(({ probes }) => probes !== undefined)) return { stamp }
    const { genotypes, metrics } = this.#shared
    const points = epochs.flatMap((point) => [
      point.epoch,
      genotypes.positionOf(point.genotype),
      metrics.positionOf(point.metrics),
    ])
    return { stamp, points }
  }

  /** Runs that are gone are left out; where they are most of the index, it is begun anew by the next command. */
  #save(): void {
    try {
      const present = new Set(readdirSync(this.#folder))
      const kept = <Entry>(entries: Map<string, Entry>) => [...entries].filter(([id]) => present.has(id))
      const summaries = kept(this.#summaries)
      if (summaries.length < this.#summaries.size / 2) rmSync(this.#path, { force: true })
      else {
        const { manifests, results, genotypes, metrics } = this.#shared
        const file: IndexFile = {
          version: packageVersion,
          store: this.#folder,
          shared: JSON.stringify([manifests, results, genotypes, metrics].map(({ values }) => values)),
          summaries: JSON.stringify(summaries),
          curves: this.#curves ? JSON.stringify(kept(this.#curves)) : (this.#saved?.curves ?? '[]'),
        }
        writeAtomically(this.#path, seal(MAGIC, file))
        removeUnused(dirname(this.#path))
      }
    } catch {
      // Without an index the next command takes longer, and nothing else.
    }
  }
}

/** What differs between the results of one job's seeds. */
const VARYING: ReadonlySet<string> = new Set([
  'id',
  'seed',
  'genotype',
  'metrics',
  'parameters',
  'macs',
  'epochs',
  'trainings',
  'oracle',
  'timing',
])

/** Values that occur again and again, named by their position. */
class Pool<T> {
  readonly values: T[]
  #positions: Map<string, number> | undefined

  constructor(values: T[]) {
    this.values = values
  }

  at(position: number): T {
    return this.values[position]
  }

  positionOf(value: T): number {
    this.#positions ??= new Map(this.values.map((known, i) => [JSON.stringify(known), i]))
    const text = JSON.stringify(value)
    const known = this.#positions.get(text)
    if (known !== undefined) return known
    this.#positions.set(text, this.values.length)
    return this.values.push(value) - 1
  }
}

/** The index of the store, where there is one that counts. */
function readSaved(path: string, store: string): IndexFile | undefined {
  try {
    if (statSync(path).uid !== (process.getuid?.() ?? statSync(path).uid)) return undefined
    const file = unseal(MAGIC, readFileSync(path), { path, kind: 'index', remedy: 'delete it' }) as IndexFile
    return file.version === packageVersion && file.store === store ? file : undefined
  } catch {
    return undefined
  }
}

function sharedOf(saved: IndexFile | undefined): Shared {
  const [manifests, results, genotypes, metrics] = JSON.parse(saved?.shared ?? '[[],[],[],[]]')
  return {
    manifests: new Pool(manifests),
    results: new Pool(results),
    genotypes: new Pool(genotypes),
    metrics: new Pool(metrics),
  }
}

const entriesOf = <Entry>(text = '[]'): Map<string, Entry> => new Map(JSON.parse(text))

function decodedPoints(points: readonly number[], { genotypes, metrics }: Shared): readonly ReportedEpoch[] {
  return Array.from({ length: points.length / 3 }, (_, i) => ({
    epoch: points[3 * i],
    genotype: genotypes.at(points[3 * i + 1]),
    metrics: metrics.at(points[3 * i + 2]),
  }))
}

function stampOf(folder: string, files: readonly string[]): Stamp {
  return files.flatMap((file) => {
    const found = statsOf(`${folder}/${file}`)
    return found === undefined ? [0, 0, 0, 0] : [found.size, found.ino, found.ctimeMs, found.mtimeMs]
  })
}

/** Nothing where the file is not there, or cannot be looked at, which reading it will say. */
function statsOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch {
    return undefined
  }
}

const isSame = (a: Stamp, b: Stamp): boolean => a.every((value, i) => value === b[i])

/** Whether the files were left alone for a while before now; a clock that is behind theirs cannot tell. */
function isSettled(stamp: Stamp): boolean {
  const latest = stamp.reduce((most, value, i) => (i % 4 >= 2 ? Math.max(most, value) : most), 0)
  return Date.now() - latest > SETTLED_MS
}

function removeUnused(folder: string): void {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name)
    if (name.endsWith('.index') && Date.now() - statSync(path).mtimeMs > UNUSED_MS) rmSync(path, { force: true })
  }
}
