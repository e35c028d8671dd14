/**
 * Reads many runs through the indexes of their stores: their outlines, which `bench status` lists, their summaries, and
 * their epoch records. Each of these three has an index file of its own. Data that several runs share is stored once.
 */
import type { Metric } from '../../core/metric.ts'
import { once } from '../../core/onceEach.ts'
import type { FailureRecord, Job, ResultRecord, RunManifest } from '../../core/result.ts'
import { groupBy } from '../../system/groupBy.ts'
import { isThere } from '../../system/readable.ts'
import type { RunFolder } from './runFolder.ts'
import { LEARNING, type ReportedEpoch, type RunSummary, reportedEpoch, summarise } from './runSummary.ts'
import { type Kind, StoreIndex } from './storeIndex.ts'

/**
 * Minimum number of requested runs for which a store's cached index is used. Fewer runs are read as fast from their
 * records.
 */
const FEWEST_RUNS = 64

/**
 * Largest number of decoded epoch records of one call that are kept in memory, where each takes about 200 bytes. The
 * records of further runs are decoded at each access.
 */
const KEPT_EPOCHS = 200_000

/** The summaries of several runs, and their epoch records, which are read when they are first needed. */
export interface IndexedRuns {
  readonly summaries: readonly RunSummary[]
  /**
   * Returns the epoch records of the run at this position in `summaries`. The first call reads the records of all runs.
   */
  epochs(run: number): readonly ReportedEpoch[]
}

/**
 * Returns the summaries of runs, in the given order, read through the indexes of their stores. Folders that hold no run
 * are left out.
 * @param folders the folders of runs, such as `store.folders()`
 * @param fewest minimum number of folders in a store for which its index is used
 * @throws BenchError as the methods of `RunFolder`
 */
export function readIndexed(folders: readonly RunFolder[], fewest = FEWEST_RUNS): IndexedRuns {
  const found = valuesOf(folders, summaries, fewest)
  const runs = folders.filter((_, i) => found[i] !== undefined)
  const epochsOf = once(() => valuesOf(runs, curves, fewest))
  const kept = new Map<number, readonly ReportedEpoch[]>()
  let room = KEPT_EPOCHS
  return {
    summaries: found.filter(isPresent),
    epochs(run) {
      const known = kept.get(run)
      if (known !== undefined) return known
      const epochs = epochsOf()[run]?.() ?? []
      if (epochs.length <= room) {
        kept.set(run, epochs)
        room -= epochs.length
      }
      return epochs
    },
  }
}

const isPresent = <T>(value: T | undefined): value is T => value !== undefined

/** Job and progress of a run, as `bench status` lists them. */
export interface RunOutline {
  readonly id: string
  readonly job: Job
  /** If the run is finished: the number of epochs of its search, and of full trainings of the found architecture. */
  readonly finished?: { readonly epochs: number; readonly trainings: number }
  /** Error message of the run's failure record; absent if the run is finished or its last attempt did not fail. */
  readonly failure?: string
}

/**
 * Returns the outlines of runs, in the given order, read through the indexes of their stores. Folders that hold no run
 * are left out.
 * @param folders the folders of runs, such as `store.folders()`
 * @param fewest minimum number of folders in a store for which its index is used
 * @throws BenchError as the methods of `RunFolder`
 */
export const readOutlines = (folders: readonly RunFolder[], fewest = FEWEST_RUNS): readonly RunOutline[] =>
  valuesOf(folders, outlines, fewest).filter(isPresent)

/**
 * Returns one value (such as the summary) per folder, through the index of every store that has at least `fewest` of
 * the folders; undefined for a folder that holds no run.
 */
function valuesOf<Value, Code, Shared extends object>(
  folders: readonly RunFolder[],
  kind: Kind<Value, Code, Shared>,
  fewest: number,
): readonly (Value | undefined)[] {
  const valuesIn = (store: string, own: readonly RunFolder[]) =>
    // A store is made by its first run, so the store of a planned experiment may not exist yet.
    own.length < fewest || !isThere(store)
      ? own.map((run) => (run.exists() ? kind.read(run) : undefined))
      : new StoreIndex(store, kind).values(own)
  const stores = groupBy(folders, storeOf)
  if (stores.size === 1) return valuesIn(storeOf(folders[0]), folders)
  const values = new Map<RunFolder, Value | undefined>()
  for (const [store, own] of stores) {
    const found = valuesIn(store, own)
    own.forEach((run, i) => {
      values.set(run, found[i])
    })
  }
  return folders.map((run) => values.get(run))
}

/** Returns the path of the store that a run is in. */
const storeOf = ({ path, id }: RunFolder): string => path.slice(0, -id.length - 1)

/**
 * A list of distinct values that runs share. The encoded runs in an index contain positions in this list in place of
 * the values; after decoding, runs share the same objects.
 */
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

/** The outline of a run, encoded for the index. */
type OutlineCode = readonly [
  job: number,
  seed: number,
  progress?: readonly [epochs: number, trainings: number] | string,
]

const outlines: Kind<RunOutline, OutlineCode, { readonly jobs: Pool<Job> }> = {
  name: 'outlines',
  files: ['run.json', 'result.json', 'failure.json'],
  makePools: () => ({ jobs: new Pool() }),
  read(run) {
    const [{ id, job }, result] = [run.manifest(), run.result()]
    if (result) return { id, job, finished: { epochs: result.epochs, trainings: result.trainings?.length ?? 0 } }
    const failure = run.failure()
    return { id, job, ...(failure && { failure: failure.message }) }
  },
  encode({ job, finished, failure }, { jobs }) {
    const place = [jobs.positionOf({ ...job, seed: 0 }), job.seed] as const
    const progress = finished ? ([finished.epochs, finished.trainings] as const) : failure
    return progress === undefined ? place : [...place, progress]
  },
  decode([at, seed, progress], { jobs }, { id }) {
    const known = { id, job: { ...jobs.at(at), seed } }
    if (progress === undefined) return known
    if (typeof progress === 'string') return { ...known, failure: progress }
    return { ...known, finished: { epochs: progress[0], trainings: progress[1] } }
  },
}

/** Values that the summaries or epoch records of several runs share, such as genotypes and metrics. */
class Shared {
  readonly manifests = new Pool<RunManifest>()
  readonly results = new Pool<ResultRecord>()
  readonly genotypes = new Pool<string>()
  readonly metrics = new Pool<readonly Metric[]>()
  /**
   * For each genotype: positions in the shared list of the metrics it had in the runs so far. Comparing with these is
   * faster than serialising metrics.
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

/** Returns whether two lists of flat objects are equal. */
function areSame(a: readonly object[], b: readonly object[]): boolean {
  return a.length === b.length && a.every((entry, i) => isWithin(entry, b[i]) && isWithin(b[i], entry))
}

/** Returns whether every property of `a` has the same value in `b`. */
function isWithin(a: object, b: object): boolean {
  for (const key in a) if (a[key as keyof object] !== b[key as keyof object]) return false
  return true
}

/**
 * A run's manifest, encoded for the index: position in the shared list of what all seeds of a job have in common, then
 * the run's id and seed.
 */
type ManifestCode = readonly [at: number, id: string, seed: number]
/**
 * A run's result, encoded for the index: position in the shared list of what all seeds of a job have in common, then
 * the values of the properties that differ (`VARYING`).
 */
type ResultCode = readonly [at: number, ...values: readonly unknown[]]

interface SummaryCode {
  readonly manifest: ManifestCode
  readonly result?: ResultCode
  readonly failure?: FailureRecord
}

const summaries: Kind<RunSummary, SummaryCode, Shared> = {
  name: 'summaries',
  files: ['run.json', 'result.json', 'failure.json'],
  makePools: () => new Shared(),
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

/** Numbers of an epoch in the index before its losses and accuracies: the epoch, and positions of genotype and metrics. */
const PLACED = 3

/**
 * A run's epoch records, encoded for the index: how many numbers each epoch has, and these numbers. Losses and
 * accuracies are left out of runs that have none. Null if the run has probes.
 */
type CurveCode = readonly [perEpoch: number, ...numbers: (number | null)[]] | null

const curves: Kind<() => readonly ReportedEpoch[], CurveCode, Shared> = {
  name: 'curves',
  files: ['epochs.jsonl'],
  makePools: () => new Shared(),
  read: (run) => once(() => run.epochs().map(reportedEpoch)),
  encode(read, shared) {
    const epochs = read()
    if (epochs.some(({ probes }) => probes !== undefined)) return null
    const learning = epochs.some((epoch) => LEARNING.some((name) => epoch[name] !== undefined)) ? LEARNING : []
    const numbers = epochs.flatMap((point) => [
      point.epoch,
      shared.genotypes.positionOf(point.genotype),
      shared.positionOfMetrics(point.genotype, point.metrics),
      ...learning.map((name) => point[name] ?? null),
    ])
    return [PLACED + learning.length, ...numbers]
  },
  decode(code, { genotypes, metrics }, run) {
    if (code === null) return curves.read(run)
    const [perEpoch] = code
    const learned = LEARNING.slice(0, perEpoch - PLACED)
    // Figures read the epochs of thousands of runs again and again, so properties are set one by one.
    const point = (epoch: number): ReportedEpoch => {
      const at = 1 + perEpoch * epoch
      const found: { -readonly [Name in keyof ReportedEpoch]?: unknown } = { epoch: code[at] }
      learned.forEach((name, i) => {
        const value = code[at + PLACED + i]
        if (value !== null) found[name] = value
      })
      found.genotype = genotypes.at(code[at + 1] as number)
      found.metrics = metrics.at(code[at + 2] as number)
      return found as unknown as ReportedEpoch
    }
    return () => Array.from({ length: (code.length - 1) / perEpoch }, (_, epoch) => point(epoch))
  },
}
