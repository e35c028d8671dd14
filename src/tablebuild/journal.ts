/**
 * Keeps the journal of a table build: a folder with a file for each shard (part of the build), and in it a line for
 * each finished training. A line has the first digits of the SHA-256 of the training's record, then the record. It is
 * synced to the disk before the next training begins, so if the build is killed, only the trainings that are running
 * are lost. An incomplete last line is removed when the build resumes.
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { BenchError } from '../core/errors.ts'
import { parseRecord } from '../core/parseRecord.ts'
import { appendWhole, writeAtomically } from '../system/atomicFile.ts'
import { type Lock, tryLock } from '../system/lock.ts'
import { readIfThere } from '../system/readable.ts'
import { isSameTraining, type Recipe } from '../tables/recipe.ts'
import type { TrainedArchitecture } from './trainArchitecture.ts'
import type { TrainingRecord } from './trainingSet.ts'

/** The journal's record of one training, including losses and curves, which are not part of the table. */
type Entry = TrainingRecord<TrainedArchitecture>

const DIGITS = 16
const ENDING = '.jsonl'

/**
 * Returns the trainings in the journals of all shards of a table build.
 * @throws BenchError `bad-input` if the folder belongs to a build with another recipe
 */
export function readJournals(folder: string, recipe: Recipe): Entry[] {
  if (!checkRecipe(folder, recipe)) return []
  const files = readdirSync(folder).filter((file) => file.endsWith(ENDING))
  return files.sort().flatMap((file) => parse<Entry>(readFileSync(join(folder, file))).records)
}

/** The journal of one shard (part) of a table build, open for appending. */
export class Journal {
  readonly #lines: LineFile<Entry>

  /**
   * Opens the journal of a shard. If an earlier build has written one, it is continued.
   * @throws BenchError `failed` if another process has it open, `bad-input` if the folder belongs to a build with
   * another recipe
   */
  static async open(folder: string, shard: string, recipe: Recipe): Promise<Journal> {
    if (!checkRecipe(folder, recipe)) writeAtomically(recipePath(folder), `${JSON.stringify(recipe, null, 1)}\n`)
    return new Journal(await LineFile.open<Entry>(join(folder, `${shard}${ENDING}`)))
  }

  private constructor(lines: LineFile<Entry>) {
    this.#lines = lines
  }

  /** Appends the record of a finished training, and syncs it to the disk before it returns. */
  append(record: Entry): void {
    this.#lines.append(record)
  }

  close(): void {
    this.#lines.close()
  }
}

/** A file to which one process at a time appends records: one per line, after the first digits of its SHA-256. */
export class LineFile<Record> {
  readonly #path: string
  readonly #lock: Lock
  /** The records that the file had when it was opened. */
  readonly records: readonly Record[]

  /** Opens the file, and removes an incomplete last line. @throws BenchError `failed` if another process has it open */
  static async open<Record>(path: string): Promise<LineFile<Record>> {
    return new LineFile<Record>(path, await locked(`${path}.lock`))
  }

  private constructor(path: string, lock: Lock) {
    this.#path = path
    this.#lock = lock
    const bytes = readIfThere(path) ?? Buffer.alloc(0)
    const { records, wholeBytes } = parse<Record>(bytes)
    if (wholeBytes < bytes.length) truncateSync(path, wholeBytes)
    this.records = records
  }

  /** Appends a record, and syncs it to the disk before it returns. */
  append(record: Record): void {
    this.#lock.requireHeld()
    const text = JSON.stringify(record)
    appendWhole(this.#path, `${digest(text)} ${text}\n`)
  }

  close(): void {
    this.#lock.release()
  }
}

const recipePath = (folder: string) => join(folder, 'recipe.json')

/**
 * Checks that the journals in the folder belong to a build with this recipe. Returns false if the folder has no journal
 * yet.
 * @throws BenchError `bad-input` if the recipe is another one
 */
function checkRecipe(folder: string, recipe: Recipe): boolean {
  const text = readIfThere(recipePath(folder))?.toString('utf8')
  if (text === undefined) return false
  if (isSameTraining(recordedRecipe(text, recipePath(folder)), recipe)) return true
  throw new BenchError('bad-input', `${folder} holds trainings by another recipe; give another --as, or delete it`)
}

function recordedRecipe(text: string, path: string): Recipe {
  const remedy = 'restore it from a copy, or give another --as'
  const schema = z.looseObject({}) as unknown as z.ZodType<Recipe>
  return parseRecord(text, path, { schema, what: 'the recipe of a build', remedy })
}

async function locked(path: string): Promise<Lock> {
  const taken = await tryLock(path)
  if ('release' in taken) return taken
  const { pid, host } = taken
  throw new BenchError('failed', `process ${pid} on ${host} works on this part of the table already; wait for it`)
}

/** Returns the records in a file of lines, up to the first incomplete line, and the number of bytes of these lines. */
function parse<Record>(bytes: Buffer): { readonly records: Record[]; readonly wholeBytes: number } {
  const records: Record[] = []
  let start = 0
  for (let end = bytes.indexOf('\n'); end >= 0; end = bytes.indexOf('\n', start)) {
    const line = bytes.toString('utf8', start, end)
    const text = line.slice(DIGITS + 1)
    if (line.slice(0, DIGITS) !== digest(text)) break
    records.push(JSON.parse(text))
    start = end + 1
  }
  return { records, wholeBytes: start }
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, DIGITS)
