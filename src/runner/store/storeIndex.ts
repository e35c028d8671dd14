/**
 * Keeps indexes of a store of runs in the user's cache folder. An index contains one kind of value for each run, such
 * as its summary, so that a command about thousands of runs does not parse all their records again. A run's value is
 * used only if size, inode, ctime and mtime of the run's files are unchanged; otherwise the records are read. A damaged
 * index, or one of another store, user or version, is ignored. If no index can be written, commands are slower but
 * work.
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, realpathSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { writeAtomically } from '../../system/atomicFile.ts'
import { seal, unseal } from '../../system/checksums.ts'
import { packageVersion } from '../../system/environment.ts'
import { cacheFolder } from '../../system/userFolder.ts'
import type { RunFolder } from './runFolder.ts'

/**
 * First bytes of a store's index file, which identify its format. Raise the number whenever the form or meaning of an
 * entry changes.
 */
const MAGIC = 'NBHIDX03'
/** The index is rewritten if more than 1 / STALE_SHARE of the requested runs had no valid index entry. */
const STALE_SHARE = 100
/**
 * Records of runs that changed less than this many milliseconds ago are not indexed: a second change might leave the
 * file times equal.
 */
const SETTLED_MS = 2000
/** Index files that were not written for this many milliseconds are deleted. */
const UNUSED_MS = 60 * 86_400_000

/**
 * Defines one kind of index: how the value of a run is read from its folder, encoded and decoded. Each kind has its own
 * index file.
 */
export interface Kind<Value, Code, Shared> {
  /** Name of this kind of index, used as the ending of its file name. */
  readonly name: string
  /**
   * Names of the record files in a run's folder that the indexed value is read from, in the order of reading.
   * `failure.json` is read only if there is no `result.json`.
   */
  readonly files: readonly string[]
  /** Returns an object with an empty list (`{ values }`) for each type of data that runs share. */
  makePools(): Shared
  read(run: RunFolder): Value
  /**
   * Encodes a run's value as plain JSON. Data that several runs share is replaced by its position in a list in
   * `shared`.
   */
  encode(value: Value, shared: Shared): Code
  decode(code: Code, shared: Shared, run: RunFolder): Value
}

/** The content of an index file. `pools`, `ids` and `codes` are JSON texts, since JSON is parsed fastest. */
interface IndexFile {
  readonly version: string
  readonly store: string
  readonly pools: string
  readonly ids: string
  /** JSON list of the runs' encoded values. */
  readonly codes: string
  /**
   * Stamps of the runs' files, concatenated. A stamp consists of the sizes, inodes and times by which changes are
   * noticed.
   */
  readonly stamps: Float64Array
}

/**
 * Number of values in a stamp for each record file of a run: size, inode, ctime, mtime. Zeros stand for a missing file.
 */
const STAMP_NUMBERS = 4

/**
 * The encoded value of a run, and the stamp of its files. The stamp begins at index `at` of `stamps`; entries read from
 * an index file share one array, since a store has thousands of runs.
 */
interface Entry<Code> {
  readonly code: Code
  readonly stamps: Float64Array
  readonly at: number
}

/** An index with one kind of value for the runs of one store. */
export class StoreIndex<Value, Code, Shared extends object> {
  readonly #folder: string
  readonly #path: string
  readonly #kind: Kind<Value, Code, Shared>
  readonly #shared: Shared
  /** By run id: the encoded value of the run and the stamp of the files that it was read from. */
  readonly #entries = new Map<string, Entry<Code>>()

  /** @param folder folder of the store whose runs are indexed */
  constructor(folder: string, kind: Kind<Value, Code, Shared>) {
    this.#folder = realpathSync(folder)
    this.#kind = kind
    this.#shared = kind.makePools()
    const name = createHash('sha256').update(this.#folder).digest('hex').slice(0, 32)
    this.#path = cacheFolder('stores', `${name}.${kind.name}`)
    const saved = readSaved(this.#path, this.#folder)
    if (saved === undefined) return
    const pools = JSON.parse(saved.pools)
    for (const [name, pool] of this.#pools()) pool.values = pools[name]
    const [ids, codes]: [string[], Code[]] = [JSON.parse(saved.ids), JSON.parse(saved.codes)]
    const length = STAMP_NUMBERS * kind.files.length
    ids.forEach((id, i) => {
      this.#entries.set(id, { code: codes[i], stamps: saved.stamps, at: i * length })
    })
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
      if (entry !== undefined && isOf(entry, stamp)) return entry.code
      const code = this.#kind.encode(this.#kind.read(run), this.#shared)
      this.#entries.set(run.id, { code, stamps: stamp, at: 0 })
      if (isSettled(stamp)) stale++
      else unsettled.push(run.id)
      return code
    })
    for (const id of unsettled) this.#entries.delete(id)
    if (stale * STALE_SHARE > runs.length) this.#save()
    return codes.map((code, i) => this.#kind.decode(code, this.#shared, runs[i]))
  }

  #pools(): [name: string, pool: { values: unknown[] }][] {
    return Object.entries(this.#shared)
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
        const length = STAMP_NUMBERS * this.#kind.files.length
        const stamps = new Float64Array(entries.length * length)
        entries.forEach(([, { stamps: own, at }], i) => {
          stamps.set(own.subarray(at, at + length), i * length)
        })
        const pools = this.#pools().map(([name, { values }]) => [name, values])
        const file: IndexFile = {
          version: packageVersion,
          store: this.#folder,
          pools: JSON.stringify(Object.fromEntries(pools)),
          ids: JSON.stringify(entries.map(([id]) => id)),
          codes: JSON.stringify(entries.map(([, { code }]) => code)),
          stamps,
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
 * Returns the content of a store's index file; undefined if the file is damaged, or belongs to another store, user or
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

/**
 * Returns the stamp (sizes, inodes and times) of the record files in a run's folder. A file that is missing or cannot
 * be accessed has zeros; if it cannot be accessed, reading it reports the error.
 */
function stampOf(folder: string, files: readonly string[]): Float64Array {
  const stamp = new Float64Array(STAMP_NUMBERS * files.length)
  let isFinished = false
  for (let i = 0; i < files.length; i++) {
    if (isFinished && files[i] === 'failure.json') continue
    try {
      const found = statSync(`${folder}/${files[i]}`, QUIETLY)
      if (found === undefined) continue
      if (files[i] === 'result.json') isFinished = true
      const at = STAMP_NUMBERS * i
      stamp[at] = found.size
      stamp[at + 1] = found.ino
      stamp[at + 2] = found.ctimeMs
      stamp[at + 3] = found.mtimeMs
    } catch {
      // The numbers stay zeros.
    }
  }
  return stamp
}

const QUIETLY = { throwIfNoEntry: false } as const

/** Returns whether an index entry was read from files with this stamp. */
function isOf({ stamps, at }: Entry<unknown>, stamp: Float64Array): boolean {
  for (let i = 0; i < stamp.length; i++) if (stamps[at + i] !== stamp[i]) return false
  return true
}

/**
 * Returns whether a run's files were last changed long enough ago to be indexed; false if the clock is behind the
 * files' times.
 */
function isSettled(stamp: Float64Array): boolean {
  const latest = stamp.reduce((most, value, i) => (i % STAMP_NUMBERS >= 2 ? Math.max(most, value) : most), 0)
  return Date.now() - latest > SETTLED_MS
}

/** Deletes the index files in the cache folder that were not written for 60 days. */
function removeUnused(folder: string): void {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name)
    if (Date.now() - statSync(path).mtimeMs > UNUSED_MS) rmSync(path, { force: true })
  }
}
