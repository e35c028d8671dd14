/**
 * Keeps an index of a store of runs in the user's cache folder. The index holds what reports with tables and figures
 * read of each run, so that a command about thousands of runs does not parse all their records again. A run's entry is
 * used only if size, inode and both times of the run's files are unchanged; otherwise the records are read. A damaged
 * index, or one of another store, user or version, is ignored. If no index can be written, commands are slower but
 * work.
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, realpathSync, rmSync, type Stats, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Metric } from '../../core/metric.ts'
import { once } from '../../core/onceEach.ts'
import type { FailureRecord, ResultRecord, RunManifest } from '../../core/result.ts'
import { writeAtomically } from '../../system/atomicFile.ts'
import { seal, unseal } from '../../system/checksums.ts'
import { packageVersion } from '../../system/environment.ts'
import { groupBy } from '../../system/groupBy.ts'
import { cacheFolder } from '../../system/userFolder.ts'
import type { RunFolder } from './runFolder.ts'
import { type ReportedEpoch, type RunSummary, reportedEpoch, summarise } from './runSummary.ts'

/** First bytes of a store's index file. Raise the number whenever the form or meaning of an entry changes. */
const MAGIC = 'NBHIDX01'
/**
 * Least number of requested runs for which the cached index of a store is used. Fewer are read as fast from their
 * records.
 */
const FEWEST_RUNS = 64
/** The index is written again if more than one in this many of the requested runs had no valid index entry. */
const STALE_SHARE = 100
/**
 * Records of runs that changed less than this many milliseconds ago are not indexed: a second change might leave the
 * file times equal.
 */
const SETTLED_MS = 2000
/** Index files that were not written for this many milliseconds are deleted. */
const UNUSED_MS = 60 * 86_400_000

/** The summaries of several runs, and their epoch records, which are read when they are first needed. */
export interface IndexedRuns {
  readonly summaries: readonly RunSummary[]
  /**
   * Returns the epoch records of a run, given the run's position in the list. The first call reads those of all runs.
   */
  epochs(run: number): readonly ReportedEpoch[]
}

/**
 * Returns the summaries of runs, in the given order, read through the indexes of their stores.
 * @param fewest number of runs in a store from which on its index is used
 * @throws BenchError as the methods of `RunFolder`
 */
export function readIndexed(runs: readonly RunFolder[], fewest = FEWEST_RUNS): IndexedRuns {
  const epochsOf = once(() => valuesOf(runs, curves, fewest))
  return { summaries: valuesOf(runs, summaries, fewest), epochs: (run) => epochsOf()[run]() }
}

/**
 * Returns one value (such as the summary) per run, through the index of every store that has at least `fewest` of the
 * runs.
 */
function valuesOf<Value, Code>(runs: readonly RunFolder[], kind: Kind<Value, Code>, fewest: number): readonly Value[] {
  const values = new Map<RunFolder, Value>()
  for (const [folder, own] of groupBy(runs, (run) => run.path.slice(0, -run.id.length))) {
    const found = own.length < fewest ? own.map(kind.read) : new Index(folder, kind).values(own)
    own.forEach((run, i) => {
      values.set(run, found[i])
    })
  }
  return runs.map((run) => values.get(run) as Value)
}

/**
 * One kind of index of runs: how the indexed value is read from a run's folder, encoded and decoded. Each kind has a
 * file.
 */
interface Kind<Value, Code> {
  /** Ending of the file name of this kind of index. */
  readonly name: string
  /** Names of the record files in a run's folder that the indexed value is read from. */
  readonly files: readonly string[]
  read(run: RunFolder): Value
  /**
   * Returns the indexed value as plain JSON, in which data that several runs share is replaced by its position in
   * `shared`.
   */
  encode(value: Value, shared: Shared): Code
  decode(code: Code, shared: Shared, run: RunFolder): Value
}

/** Data that several indexed runs have in common, stored once. After decoding, the runs share the same objects. */
class Shared {
  readonly manifests = new Pool<RunManifest>()
  readonly results = new Pool<ResultRecord>()
  readonly genotypes = new Pool<string>()
  readonly metrics = new Pool<readonly Metric[]>()
  /**
   * For each genotype: the positions of the metrics that it had in the runs so far. Comparing metrics is faster than
   * serialising them.
   */
  readonly #metricsOf = new Map<string, number[]>()

  positionOfMetrics(genotype: string, metrics: readonly Metric[]): number {
    const known = this.#metricsOf.get(genotype) ?? []
    const found = known.find((at) => areSame(this.metrics.at(at), metrics))
    if (found !== undefined) return found
    const at = this.metrics.positionOf(metrics)
    this.#metricsOf.set(genotype, [...known, at])
    return at
  }
}

/** Tells whether two lists of flat objects are equal. */
function areSame(a: readonly object[], b: readonly object[]): boolean {
  return a.length === b.length && a.every((entry, i) => isWithin(entry, b[i]) && isWithin(b[i], entry))
}

/** Tells whether every property of `a` has the same value in `b`. */
function isWithin(a: object, b: object): boolean {
  for (const key in a) if (a[key as keyof object] !== b[key as keyof object]) return false
  return true
}

/** A list of distinct values. Index entries contain a value's position in the list in place of the value. */
class Pool<T> {
  values: T[] = []
  #positions: Map<string, number> | undefined

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

/**
 * A run's manifest, encoded for the index: the position of the part that all seeds of a job share, then the run's id
 * and seed.
 */
type ManifestCode = readonly [at: number, id: string, seed: number]
/**
 * A run's result, encoded for the index: the position of the part that all seeds of a job share, then the values of the
 * properties that differ.
 */
type ResultCode = readonly [at: number, ...values: readonly unknown[]]

interface SummaryCode {
  readonly manifest: ManifestCode
  readonly result?: ResultCode
  readonly failure?: FailureRecord
}

const summaries: Kind<RunSummary, SummaryCode> = {
  name: 'summaries',
  files: ['run.json', 'result.json', 'failure.json'],
  read: summarise,
  encode({ manifest, result, failure }, shared) {
    const { id, job } = manifest
    const at = shared.manifests.positionOf({ ...manifest, id: '', job: { ...job, seed: 0 } })
    return {
      manifest: [at, id, job.seed],
      ...(result && { result: encodeResult(result, shared) }),
      ...(failure && { failure }),
    }
  },
  decode({ manifest: [at, id, seed], result, failure }, shared) {
    const common = shared.manifests.at(at)
    return {
      manifest: { ...common, id, job: { ...common.job, seed } },
      ...(result && { result: decodeResult(result, shared) }),
      ...(failure && { failure }),
    }
  },
}

/** Names of the properties of a run's result that differ between the seeds of a job. */
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

/** A run's result in which genotypes and metrics are replaced by their positions in the shared data. */
interface PlacedResult {
  genotype: unknown
  metrics: unknown
  oracle?: { readonly queries: readonly { readonly genotype?: unknown }[] }
}

function encodeResult(result: ResultRecord, shared: Shared): ResultCode {
  const { genotypes, results } = shared
  const { oracle } = result
  const placed: PlacedResult = {
    ...result,
    genotype: genotypes.positionOf(result.genotype),
    metrics: shared.positionOfMetrics(result.genotype, result.metrics),
  }
  if (oracle !== undefined)
    placed.oracle = withGenotypes(oracle, (genotype) => genotypes.positionOf(genotype as string))
  const entries = Object.entries(placed)
  const constant = Object.fromEntries(entries.map(([key, value]) => [key, VARYING.has(key) ? null : value]))
  const varying = entries.filter(([key]) => VARYING.has(key)).map(([, value]) => value)
  return [results.positionOf(constant as unknown as ResultRecord), ...varying]
}

function decodeResult([at, ...varying]: ResultCode, { genotypes, metrics, results }: Shared): ResultRecord {
  const result: Record<string, unknown> = { ...results.at(at) }
  let next = 0
  for (const key in result) if (VARYING.has(key)) result[key] = varying[next++]
  const placed = result as unknown as PlacedResult
  placed.genotype = genotypes.at(placed.genotype as number)
  placed.metrics = metrics.at(placed.metrics as number)
  if (placed.oracle !== undefined) placed.oracle = withGenotypes(placed.oracle, (at) => genotypes.at(at as number))
  return result as unknown as ResultRecord
}

const withGenotypes = (oracle: NonNullable<PlacedResult['oracle']>, named: (genotype: unknown) => unknown) => ({
  ...oracle,
  queries: oracle.queries.map((query) =>
    query.genotype === undefined ? query : { ...query, genotype: named(query.genotype) },
  ),
})

/**
 * A run's epoch records, encoded for the index as three numbers per epoch: the epoch, the position of its genotype, the
 * position of its metrics. Null if the run has probes.
 */
type CurveCode = readonly number[] | null

const curves: Kind<() => readonly ReportedEpoch[], CurveCode> = {
  name: 'curves',
  files: ['epochs.jsonl'],
  read: (run) => once(() => run.epochs().map(reportedEpoch)),
  encode(read, shared) {
    const epochs = read()
    if (epochs.some(({ probes }) => probes !== undefined)) return null
    return epochs.flatMap((point) => [
      point.epoch,
      shared.genotypes.positionOf(point.genotype),
      shared.positionOfMetrics(point.genotype, point.metrics),
    ])
  },
  decode(code, { genotypes, metrics }, run) {
    if (code === null) return curves.read(run)
    const point = (at: number) => ({
      epoch: code[at],
      genotype: genotypes.at(code[at + 1]),
      metrics: metrics.at(code[at + 2]),
    })
    return () => Array.from({ length: code.length / 3 }, (_, i) => point(3 * i))
  },
}

/** Size, inode, ctime and mtime of each of a run's record files; zeros for a missing file. */
type Stamp = readonly number[]

/**
 * A run's entry in the index: its encoded value, and the stamp (sizes and times) of the files that it was read from.
 */
interface Entry<Code> {
  readonly stamp: Stamp
  readonly code: Code
}

/** The content of an index file. `shared` and `entries` are JSON texts, since JSON is parsed fastest. */
interface IndexFile {
  readonly version: string
  readonly store: string
  readonly shared: string
  readonly entries: string
}

/** An index with one kind of value for the runs of one store. */
class Index<Value, Code> {
  readonly #folder: string
  readonly #path: string
  readonly #kind: Kind<Value, Code>
  readonly #shared = new Shared()
  readonly #entries: Map<string, Entry<Code>>

  /** @param folder folder of the store whose runs are indexed */
  constructor(folder: string, kind: Kind<Value, Code>) {
    this.#folder = realpathSync(folder)
    this.#kind = kind
    const name = createHash('sha256').update(this.#folder).digest('hex').slice(0, 32)
    this.#path = cacheFolder('stores', `${name}.${kind.name}`)
    const saved = readSaved(this.#path, this.#folder)
    this.#entries = new Map(JSON.parse(saved?.entries ?? '[]'))
    const pools = JSON.parse(saved?.shared ?? '{}')
    for (const [name, pool] of Object.entries(this.#shared)) pool.values = pools[name] ?? []
  }

  /**
   * Returns the indexed value (such as the summary) of each run, from the index or from the run's records. Saves the
   * index if many runs had no valid entry in it.
   */
  values(runs: readonly RunFolder[]): readonly Value[] {
    let stale = 0
    const unsettled: string[] = []
    const codes = runs.map((run) => {
      const stamp = stampOf(run.path, this.#kind.files)
      const entry = this.#entries.get(run.id)
      if (entry !== undefined && isSame(entry.stamp, stamp)) return entry.code
      const code = this.#kind.encode(this.#kind.read(run), this.#shared)
      this.#entries.set(run.id, { stamp, code })
      if (isSettled(stamp)) stale++
      else unsettled.push(run.id)
      return code
    })
    for (const id of unsettled) this.#entries.delete(id)
    if (stale * STALE_SHARE > runs.length) this.#save()
    return codes.map((code, i) => this.#kind.decode(code, this.#shared, runs[i]))
  }

  /**
   * Writes the index, without runs that no longer exist. If most of its runs no longer exist, deletes it; the next
   * command begins a new one.
   */
  #save(): void {
    try {
      const present = new Set(readdirSync(this.#folder))
      const entries = [...this.#entries].filter(([id]) => present.has(id))
      if (entries.length < this.#entries.size / 2) rmSync(this.#path, { force: true })
      else {
        const pools = Object.entries(this.#shared).map(([name, { values }]) => [name, values])
        const shared = JSON.stringify(Object.fromEntries(pools))
        const file: IndexFile = {
          version: packageVersion,
          store: this.#folder,
          shared,
          entries: JSON.stringify(entries),
        }
        writeAtomically(this.#path, seal(MAGIC, file))
        removeUnused(dirname(this.#path))
      }
    } catch {
      // Without an index the next command is slower, and nothing else.
    }
  }
}

/**
 * Returns the content of a store's saved index file. Returns undefined if it is damaged, or of another store, user or
 * version of this program.
 */
function readSaved(path: string, store: string): IndexFile | undefined {
  try {
    if (statSync(path).uid !== (process.getuid?.() ?? statSync(path).uid)) return undefined
    const file = unseal(MAGIC, readFileSync(path), { path, kind: 'index', remedy: 'delete it' }) as IndexFile
    return file.version === packageVersion && file.store === store ? file : undefined
  } catch {
    return undefined
  }
}

/** Returns the stamp (sizes, inodes and times) of the record files in a run's folder. */
function stampOf(folder: string, files: readonly string[]): Stamp {
  const stamp: number[] = []
  for (const file of files) {
    const found = statsOf(`${folder}/${file}`)
    stamp.push(found?.size ?? 0, found?.ino ?? 0, found?.ctimeMs ?? 0, found?.mtimeMs ?? 0)
  }
  return stamp
}

/**
 * Returns the size and times of a file; undefined if it is missing or cannot be accessed. Reading the file will report
 * the error.
 */
function statsOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch {
    return undefined
  }
}

const isSame = (a: Stamp, b: Stamp): boolean => a.every((value, i) => value === b[i])

/**
 * Tells whether a run's files were last changed long enough ago to be indexed; false if the clock is behind the files'
 * times.
 */
function isSettled(stamp: Stamp): boolean {
  const latest = stamp.reduce((most, value, i) => (i % 4 >= 2 ? Math.max(most, value) : most), 0)
  return Date.now() - latest > SETTLED_MS
}

/** Deletes the index files in the cache folder that were not written for 60 days. */
function removeUnused(folder: string): void {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name)
    if (Date.now() - statSync(path).mtimeMs > UNUSED_MS) rmSync(path, { force: true })
  }
}
