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
const MAGIC = 'NBHIDX04'
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

/** The entries of an index file: ids of runs, in order, their encoded values, and the stamps of their files. */
interface Entries<Code> {
  readonly ids: readonly string[]
  readonly codes: readonly Code[]
  /** The stamps of all entries, one after the other. */
  readonly stamps: Float64Array
}

const NO_ENTRIES: Entries<never> = { ids: [], codes: [], stamps: new Float64Array() }

/** An entry of a run whose records were read. */
interface FreshEntry<Code> {
  readonly code: Code
  readonly stamp: Float64Array
}

/** An index with one kind of value for the runs of one store. */
export class StoreIndex<Value, Code, Shared extends object> {
  readonly #folder: string
  readonly #path: string
  readonly #kind: Kind<Value, Code, Shared>
  readonly #shared: Shared
  /** The entries of the index file. */
  #saved: Entries<Code>
  /** Entries that the index file lacks or has differently, by run id. */
  readonly #fresh = new Map<string, FreshEntry<Code>>()

  /** @param folder folder of the store whose runs are indexed */
  constructor(folder: string, kind: Kind<Value, Code, Shared>) {
    this.#folder = realpathSync(folder)
    this.#kind = kind
    this.#shared = kind.makePools()
    const name = createHash('sha256').update(this.#folder).digest('hex').slice(0, 32)
    this.#path = cacheFolder('stores', `${name}.${kind.name}`)
    const saved = readSaved(this.#path, this.#folder)
    if (saved === undefined) {
      this.#saved = NO_ENTRIES
      return
    }
    const pools = JSON.parse(saved.pools)
    for (const [name, pool] of this.#pools()) pool.values = pools[name]
    this.#saved = { ids: JSON.parse(saved.ids), codes: JSON.parse(saved.codes), stamps: saved.stamps }
  }

  /**
   * Returns the indexed value (such as the summary) of each folder, from the index or from the run's records; undefined
   * for a folder that holds no run. Saves the index if many runs had no valid entry in it. To be called once: encoded
   * values are released as they are decoded, since those of 100,000 runs take as much memory as the decoded ones.
   */
  values(folders: readonly RunFolder[]): readonly (Value | undefined)[] {
    let stale = 0
    const unsettled: string[] = []
    const { files } = this.#kind
    const stamp = new Float64Array(STAMP_NUMBERS * files.length)
    const find = positionsIn(this.#saved.ids)
    const codes = folders.map((run): Code | undefined => {
      takeStamp(run.path, files, stamp)
      const at = find(run.id)
      if (at !== undefined && isAt(at * stamp.length, this.#saved.stamps, stamp)) return this.#saved.codes[at]
      if (!run.exists()) return undefined
      const code = this.#kind.encode(this.#kind.read(run), this.#shared)
      this.#fresh.set(run.id, { code, stamp: stamp.slice() })
      if (isSettled(stamp)) stale++
      else unsettled.push(run.id)
      return code
    })
    if (stale * STALE_SHARE > folders.length) this.#save(new Set(unsettled))
    this.#saved = NO_ENTRIES
    this.#fresh.clear()
    return folders.map((run, i) => {
      const code = codes[i]
      codes[i] = undefined
      return code === undefined ? undefined : this.#kind.decode(code, this.#shared, run)
    })
  }

  #pools(): [name: string, pool: { values: unknown[] }][] {
    return Object.entries(this.#shared)
  }

  /**
   * Writes the index, without runs that no longer exist. If most of its runs no longer exist, deletes it; the next
   * command begins a new one.
   * @param unsettled ids of runs that are left out, since their files changed a moment ago
   */
  #save(unsettled: ReadonlySet<string>): void {
    try {
      const present = new Set(readdirSync(this.#folder))
      const ids = [...new Set([...this.#saved.ids, ...this.#fresh.keys()])].filter((id) => !unsettled.has(id))
      const kept = ids.filter((id) => present.has(id)).sort()
      if (kept.length < ids.length / 2) rmSync(this.#path, { force: true })
      else {
        const entries = this.#entriesOf(kept)
        const pools = this.#pools().map(([name, { values }]) => [name, values])
        const file: IndexFile = {
          version: packageVersion,
          store: this.#folder,
          pools: JSON.stringify(Object.fromEntries(pools)),
          ids: JSON.stringify(entries.ids),
          codes: JSON.stringify(entries.codes),
          stamps: entries.stamps,
        }
        writeAtomically(this.#path, seal(MAGIC, file))
        removeUnused(dirname(this.#path))
      }
    } catch {
      // Without an index the next command is slower, and nothing else.
    }
  }

  /** Returns the newest entries of runs, given their ids in order. */
  #entriesOf(ids: readonly string[]): Entries<Code> {
    const { codes, stamps } = this.#saved
    const length = STAMP_NUMBERS * this.#kind.files.length
    const all = new Float64Array(ids.length * length)
    const find = positionsIn(this.#saved.ids)
    const newest = ids.map((id, i) => {
      const fresh = this.#fresh.get(id)
      const at = find(id) as number
      all.set(fresh?.stamp ?? stamps.subarray(at * length, (at + 1) * length), i * length)
      return fresh === undefined ? codes[at] : fresh.code
    })
    return { ids, codes: newest, stamps: all }
  }
}

/**
 * Returns a function that finds the position of a text in a sorted list, or undefined. It is fastest if texts are asked
 * for in the order of the list.
 */
function positionsIn(sorted: readonly string[]): (text: string) => number | undefined {
  let next = 0
  return (text) => {
    if (sorted[next] !== text) next = firstNotBelow(sorted, text)
    return sorted[next] === text ? next++ : undefined
  }
}

/** Returns the position of the first text of a sorted list that is not less than the given one, by bisection. */
function firstNotBelow(sorted: readonly string[], text: string): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (sorted[middle] < text) low = middle + 1
    else high = middle
  }
  return low
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
 * Looks at the record files in a run's folder and fills in their stamp. The numbers of a file that cannot be accessed
 * are zeros, as those of a missing one; reading the file reports the error.
 *
 * Each file is looked at in each command. The times of its folder would not do: they change when a file in it is made,
 * renamed or removed, as this program writes its records, but not when somebody overwrites or appends to one in place.
 * That changes the ctime of the file, which no program can set.
 */
function takeStamp(folder: string, files: readonly string[], stamp: Float64Array): void {
  stamp.fill(0)
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
}

const QUIETLY = { throwIfNoEntry: false } as const

/** Returns whether a stamp is the one that begins at a position of a list. */
function isAt(position: number, stamps: Float64Array, stamp: Float64Array): boolean {
  for (let i = 0; i < stamp.length; i++) if (stamps[position + i] !== stamp[i]) return false
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
