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
import type { Metric } from '../../core/metric.ts'
import type { FailureRecord, RunManifest } from '../../core/result.ts'
import { writeAtomically } from '../../system/atomicFile.ts'
import { seal, unseal } from '../../system/checksums.ts'
import { packageVersion } from '../../system/environment.ts'
import { groupBy } from '../../system/groupBy.ts'
import { cacheFolder } from '../../system/userFolder.ts'
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
  const epochsOf = once(() => valuesOf(runs, curves, fewest))
  return { summaries: valuesOf(runs, summaries, fewest), epochs: (run) => epochsOf()[run]() }
}

/** What is read of each run, with the index of each store that has many of them. */
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

/** The same function, which computes its value when it is first called. */
function once<Value>(compute: () => Value): () => Value {
  let found: { readonly value: Value } | undefined
  return () => {
    found ??= { value: compute() }
    return found.value
  }
}

/** What an index holds of each run, in a file of its own. */
interface Kind<Value, Code> {
  /** Ending of the index's file. */
  readonly name: string
  /** The records that the value is read from. */
  readonly files: readonly string[]
  read(run: RunFolder): Value
  /** Plain JSON, in which what runs share is a position. */
  encode(value: Value, shared: Shared): Code
  decode(code: Code, shared: Shared, run: RunFolder): Value
}

/** What many runs have in common, each once: decoded, it is the same object for all of them. */
class Shared {
  readonly manifests = new Pool<RunManifest>()
  readonly results = new Pool<ReportedResult>()
  readonly genotypes = new Pool<string>()
  readonly metrics = new Pool<readonly Metric[]>()
  /** Genotype ↦ positions of the metrics that it had in this process: to compare is faster than to name. */
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

/** Of lists of plain values. */
function areSame(a: readonly object[], b: readonly object[]): boolean {
  return a.length === b.length && a.every((entry, i) => isWithin(entry, b[i]) && isWithin(b[i], entry))
}

function isWithin(a: object, b: object): boolean {
  for (const key in a) if (a[key as keyof object] !== b[key as keyof object]) return false
  return true
}

/** Values that occur again and again, named by their position. */
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

/** Of a manifest: position of what runs of one job share, and the rest. */
type ManifestCode = readonly [at: number, id: string, seed: number]
/** Of a result: position of what results of one job share, and the values of its varying entries. */
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

/** With positions for genotypes and metrics. */
interface PlacedResult {
  genotype: unknown
  metrics: unknown
  oracle?: { readonly queries: readonly { readonly genotype?: unknown }[] }
}

function encodeResult(result: ReportedResult, shared: Shared): ResultCode {
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
  return [results.positionOf(constant as unknown as ReportedResult), ...varying]
}

function decodeResult([at, ...varying]: ResultCode, { genotypes, metrics, results }: Shared): ReportedResult {
  const result: Record<string, unknown> = { ...results.at(at) }
  let next = 0
  for (const key in result) if (VARYING.has(key)) result[key] = varying[next++]
  const placed = result as unknown as PlacedResult
  placed.genotype = genotypes.at(placed.genotype as number)
  placed.metrics = metrics.at(placed.metrics as number)
  if (placed.oracle !== undefined) placed.oracle = withGenotypes(placed.oracle, (at) => genotypes.at(at as number))
  return result as unknown as ReportedResult
}

const withGenotypes = (oracle: NonNullable<PlacedResult['oracle']>, named: (genotype: unknown) => unknown) => ({
  ...oracle,
  queries: oracle.queries.map((query) => ({ ...query, genotype: named(query.genotype) })),
})

/** Epoch, and positions of genotype and metrics, for each epoch; null where probes measured something. */
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

/** Size, inode, time of change and of modification of each file; zeros for a file that is not there. */
type Stamp = readonly number[]

interface Entry<Code> {
  readonly stamp: Stamp
  readonly code: Code
}

/** The parts of an index's file; the larger ones are JSON texts, which are parsed faster than anything else. */
interface IndexFile {
  readonly version: string
  readonly store: string
  readonly shared: string
  readonly entries: string
}

class Index<Value, Code> {
  readonly #folder: string
  readonly #path: string
  readonly #kind: Kind<Value, Code>
  readonly #shared = new Shared()
  readonly #entries: Map<string, Entry<Code>>

  /** @param folder the store */
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

  /** Where many of the runs had no entry that counts, the index is saved. */
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

  /** Runs that are gone are left out; where they are most of the index, it is begun anew by the next command. */
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
      // Without an index the next command takes longer, and nothing else.
    }
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

function stampOf(folder: string, files: readonly string[]): Stamp {
  const stamp: number[] = []
  for (const file of files) {
    const found = statsOf(`${folder}/${file}`)
    stamp.push(found?.size ?? 0, found?.ino ?? 0, found?.ctimeMs ?? 0, found?.mtimeMs ?? 0)
  }
  return stamp
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
    if (Date.now() - statSync(path).mtimeMs > UNUSED_MS) rmSync(path, { force: true })
  }
}
