/** Reads and writes the folder of one run: its record files, its lock and its checkpoint. */

import { readdirSync, rmSync, statSync, truncateSync } from 'node:fs'
import type { SearchState } from '../../core/algorithm.ts'
import { BenchError } from '../../core/errors.ts'
import { parseRecord, type ReadAs } from '../../core/parseRecord.ts'
import { pluralize } from '../../core/plainText.ts'
import { recordSchemas } from '../../core/recordSchemas.ts'
import type { EpochRecord, FailureRecord, ResultRecord, RunManifest, TrajectoryPoint } from '../../core/result.ts'
import { appendWhole, makeFolder, writeAtomically, writeFailure } from '../../system/atomicFile.ts'
import { seal, unseal } from '../../system/checksums.ts'
import { canonicalJson, recordText } from '../../system/json.ts'
import { type Lock, lock, lockHolder, lockIfFree } from '../../system/lock.ts'
import type { ProcessIdentity } from '../../system/processes.ts'
import { endLeftovers, type ProgramIdentity } from '../../system/programProcesses.ts'
import { isThere, readIfThere, requireNoBrokenLink } from '../../system/readable.ts'
import { removeTemporaries } from '../../system/temporaryFile.ts'

export type RunState =
  /** The run has a result: `result.json` exists. */
  | 'finished'
  /** The run's search or training is under way: a process holds the lock of the run's folder. */
  | 'running'
  /** The last attempt at the run ended with an error. */
  | 'failed'
  /**
   * The run has no result, and its process no longer exists. Running the same command again continues from the
   * checkpoint.
   */
  | 'interrupted'

/** The records of a finished run. */
export interface FinishedRun {
  readonly manifest: RunManifest
  readonly epochs: readonly EpochRecord[]
  readonly result: ResultRecord
}

const REMEDY = 'restore it from a copy, or move the folder away'

/**
 * Name of the file that identifies the processes of an external program; `PROGRAM_FOLDER` has the program's own files.
 */
const PROGRAM_FILE = 'program.json'
const PROGRAM_FOLDER = 'program'

/** Names of files that a killed process may leave in the folder of a run. */
const LEFTOVERS: ReadonlySet<string> = new Set(['lock', 'checkpoint', PROGRAM_FILE])

/** Type of the record in a JSON file of the run's folder. */
type RunFile<Name extends 'run.json' | 'result.json' | 'failure.json'> = ReturnType<
  ReturnType<typeof recordSchemas>['runFiles'][Name]['schema']['parse']
>

/** Reads and writes the files in the folder of one run. */
export class RunFolder {
  readonly path: string
  readonly id: string
  #lock: Lock | undefined

  constructor(path: string, id: string) {
    this.path = path
    this.id = id
  }

  /**
   * Tells whether the run was begun.
   * @throws BenchError `bad-input` if its folder cannot be read or is a broken link, such as one to a disk that is not
   * mounted
   */
  exists(): boolean {
    if (isThere(this.#file('run.json'))) return true
    requireNoBrokenLink(this.path)
    return false
  }

  /** Tells whether the run is finished, that is, has a result record. */
  isFinished(): boolean {
    return isThere(this.#file('result.json'))
  }

  /** Returns the state of the run, determined from the files in its folder and its lock. */
  state(): RunState {
    if (this.isFinished()) return 'finished'
    if (lockHolder(this.#file('lock')) !== undefined) return 'running'
    return isThere(this.#file('failure.json')) ? 'failed' : 'interrupted'
  }

  /** Returns the run's manifest, the record in `run.json`. @throws BenchError `missing` or `corrupt` */
  manifest(): RunManifest {
    const manifest = this.#read('run.json')
    if (manifest === undefined) throw new BenchError('missing', `${this.path} holds no run: there is no run.json`)
    return manifest
  }

  /** Returns the run's result record, or undefined if the run is not finished. @throws BenchError `corrupt` */
  result(): ResultRecord | undefined {
    return this.#read('result.json')
  }

  /**
   * Returns the failure record of the run's last attempt, or undefined if it did not fail.
   * @throws BenchError `corrupt`
   */
  failure(): FailureRecord | undefined {
    return this.#read('failure.json')
  }

  /**
   * Returns the records of the search's finished epochs, in order. An incomplete last line of the file is ignored.
   * @throws BenchError `corrupt`
   */
  epochs(): readonly EpochRecord[] {
    const path = this.#file('epochs.jsonl')
    const lines = readIfThere(path)?.toString('utf8').split('\n') ?? []
    const { runFiles } = recordSchemas()
    return lines.slice(0, -1).map((line, i) => {
      const record = parseRecord(line, `${path}, line ${i + 1},`, runFiles['epochs.jsonl'])
      if (record.epoch === i) return record
      throw new BenchError('corrupt', `${path}, line ${i + 1}, is of epoch ${record.epoch}, expected ${i}; ${REMEDY}`)
    })
  }

  /** Returns the number of epoch records in the run's folder. */
  epochCount(): number {
    const lines = readIfThere(this.#file('epochs.jsonl'))?.toString('latin1').split('\n') ?? ['']
    return lines.length - 1
  }

  /**
   * Acquires the run's lock, after waiting until no other process holds it. From then on, every write checks that no
   * other process has taken over the lock.
   */
  async lock(onWait: (holder: ProcessIdentity) => void): Promise<Lock> {
    writing(this.path, () => makeFolder(this.path))
    const held = await lock(this.#file('lock'), onWait)
    this.#lock = held
    return {
      ...held,
      release: () => {
        this.#lock = undefined
        held.release()
      },
    }
  }

  /**
   * Begins or resumes the run. Writes `run.json`, or adds the present environment (machine and versions) to it, and
   * deletes the failure record and the temporary files of earlier attempts. If a killed attempt left an external
   * program running, ends that program.
   * @throws BenchError `corrupt` if the folder belongs to another job
   */
  begin(manifest: RunManifest): void {
    const earlier = this.#read('run.json')
    if (earlier === undefined) this.#writeJson('run.json', manifest)
    else if (canonicalJson(earlier.job) !== canonicalJson(manifest.job)) {
      throw new BenchError(
        'corrupt',
        `${this.path} holds a job other than the one that its name stands for; move it away`,
      )
    } else {
      const { environment, resumedIn = [] } = earlier
      const known = [environment, ...resumedIn].map(canonicalJson)
      if (!known.includes(canonicalJson(manifest.environment))) {
        this.#writeJson('run.json', { ...earlier, resumedIn: [...resumedIn, manifest.environment] })
      }
    }
    this.endProgram()
    removeTemporaries(this.#file('lock'))
    rmSync(this.#file('failure.json'), { force: true })
  }

  /**
   * Returns an empty folder for the files of an external program that does the search, and the path of the program's
   * log.
   */
  openProgram(): { readonly folder: string; readonly log: string } {
    const folder = this.#file(PROGRAM_FOLDER)
    rmSync(folder, { recursive: true, force: true })
    writing(folder, () => makeFolder(folder))
    return { folder, log: this.#file('program.log') }
  }

  /** Records the identity of the processes of an external program, so that a later attempt can end them. */
  beginProgram(identity: ProgramIdentity): void {
    this.#writeJson(PROGRAM_FILE, identity)
  }

  /**
   * Ends processes that the external program of this or an earlier attempt left running, and deletes the program's
   * files. In a finished run, only deletes the files, since a program's processes are ended when it gives its result.
   */
  endProgram(): void {
    const text = readIfThere(this.#file(PROGRAM_FILE))
    if (text === undefined) return
    const identity = this.isFinished() ? undefined : programIdentity(text.toString('utf8'))
    if (identity !== undefined) endLeftovers(identity)
    rmSync(this.#file(PROGRAM_FOLDER), { recursive: true, force: true })
    rmSync(this.#file(PROGRAM_FILE), { force: true })
  }

  /**
   * Returns the run's checkpoint, or undefined if there is none. Removes the lines from `epochs.jsonl` that were
   * written after the checkpoint.
   */
  resume(): Checkpoint | undefined {
    const path = this.#file('checkpoint')
    const bytes = readIfThere(path)
    const checkpoint = bytes === undefined ? undefined : decodeCheckpoint(bytes, path)
    this.#keepEpochs(checkpoint?.epochs ?? 0)
    return checkpoint
  }

  /** Appends epoch records to the run's file `epochs.jsonl`. */
  appendEpochs(records: readonly EpochRecord[]): void {
    if (records.length === 0) return
    this.#lock?.requireHeld()
    const path = this.#file('epochs.jsonl')
    const lines = records.map((record) => `${JSON.stringify(record)}\n`).join('')
    appendWhole(path, lines)
  }

  /** Writes the run's checkpoint; it replaces an earlier one. */
  saveCheckpoint(checkpoint: Checkpoint): void {
    this.#lock?.requireHeld()
    writeAtomically(this.#file('checkpoint'), encodeCheckpoint(checkpoint))
  }

  /** Writes the run's result record, which ends the run, and deletes the checkpoint. */
  finish(result: ResultRecord): void {
    this.#writeJson('result.json', result)
    rmSync(this.#file('checkpoint'), { force: true })
  }

  /** Deletes files that a killed process has left in the folder of a finished run. */
  tidy(): void {
    const isLeftover = (name: string) => LEFTOVERS.has(name) || name.endsWith('.tmp')
    if (!readdirSync(this.path).some(isLeftover)) return
    const lock = lockIfFree(this.#file('lock'))
    if (lock === undefined) return
    this.endProgram()
    removeTemporaries(this.#file('lock'))
    rmSync(this.#file('checkpoint'), { force: true })
    lock.release()
  }

  /** Writes the record of the error with which this attempt at the run ended. */
  fail(failure: FailureRecord): void {
    this.#writeJson('failure.json', failure)
  }

  /**
   * Records the failure of a run whose process died before it could record it; begins the run if it was not begun.
   * Changes nothing if the run is finished, already has this failure record, or is locked by another process.
   */
  recordLoss(manifest: RunManifest, message: string): void {
    writing(this.path, () => makeFolder(this.path))
    const held = lockIfFree(this.#file('lock'))
    if (held === undefined) return
    try {
      if (this.isFinished() || this.failure()?.message === message) return
      this.begin(manifest)
      this.fail({ schema: 1, id: this.id, epoch: this.epochCount(), message })
    } finally {
      held.release()
    }
  }

  /**
   * Copies the records of a finished run from another store or a report into this folder, and returns true. If the run
   * is finished already or another process works on it, changes nothing and returns false.
   */
  takeOver({ manifest, epochs, result }: FinishedRun): boolean {
    writing(this.path, () => makeFolder(this.path))
    const held = lockIfFree(this.#file('lock'))
    if (held === undefined) return false
    try {
      if (this.isFinished()) return false
      writeAtomically(this.#file('run.json'), recordText(manifest))
      writeAtomically(this.#file('epochs.jsonl'), epochs.map((epoch) => `${JSON.stringify(epoch)}\n`).join(''))
      this.finish(result)
      rmSync(this.#file('failure.json'), { force: true })
      return true
    } finally {
      held.release()
    }
  }

  #file(name: string): string {
    // `join` takes as long as looking for the file, which listing a store does for thousands of runs.
    return `${this.path}/${name}`
  }

  #writeJson(name: string, value: unknown): void {
    this.#lock?.requireHeld()
    writeAtomically(this.#file(name), recordText(value))
  }

  /**
   * Returns the record in a JSON file of the run's folder; undefined if there is no such file.
   * @throws BenchError `corrupt`, also if the record belongs to another run
   */
  #read<Name extends 'run.json' | 'result.json' | 'failure.json'>(name: Name): RunFile<Name> | undefined {
    const path = this.#file(name)
    const text = readIfThere(path)
    if (text === undefined) return undefined
    const as = recordSchemas().runFiles[name] as ReadAs<RunFile<Name>>
    const record = parseRecord(text.toString('utf8'), path, as)
    if (record.id === this.id) return record
    throw new BenchError('corrupt', `${path} is of run ${record.id}, not of the run that its folder names; ${REMEDY}`)
  }

  /** Removes all lines of `epochs.jsonl` after the first `count`. @throws BenchError `corrupt` if it has fewer */
  #keepEpochs(count: number): void {
    const path = this.#file('epochs.jsonl')
    const bytes = readIfThere(path)
    if (bytes === undefined) {
      if (count > 0) throw new BenchError('corrupt', `${path} is gone; delete the folder to begin this run again`)
      return
    }
    let end = 0
    for (let line = 0; line < count; line++) {
      end = bytes.indexOf(10, end) + 1
      if (end === 0)
        throw new BenchError('corrupt', `${path} has fewer than the ${pluralize(count, 'epoch')} of its checkpoint`)
    }
    if (statSync(path).size > end) truncateSync(path, end)
  }
}

/** Parses the identity of an external program's processes; returns undefined for a damaged file, as after a crash. */
function programIdentity(text: string): ProgramIdentity | undefined {
  try {
    const identity = JSON.parse(text)
    const { token, group, startedBy } = identity
    return typeof token === 'string' && token !== '' && group > 1 && typeof startedBy === 'object'
      ? identity
      : undefined
  } catch {
    return undefined
  }
}

/**
 * Calls `write`, which writes the run's file at `path`. Converts a system error, such as a full disk, to the BenchError
 * that `writeAtomically` throws.
 */
function writing(path: string, write: () => void): void {
  try {
    write()
  } catch (cause) {
    throw writeFailure(path, cause as NodeJS.ErrnoException)
  }
}

/** First bytes of a run's checkpoint file, which identify the format. */
const MAGIC = 'NBHCKP01'

/** The checkpoint of a run: the state from which an interrupted search continues. */
export interface Checkpoint {
  /** Number of search epochs that were finished at the checkpoint. Only this many lines of `epochs.jsonl` are valid. */
  readonly epochs: number
  /** State of the search algorithm at the checkpoint, as the algorithm itself saved it. */
  readonly search: SearchState
  /**
   * Queries that the black-box search's oracle has answered so far. The simulated clock stands at the time of the last
   * one.
   */
  readonly queries: readonly TrajectoryPoint[]
  /** Time at which the first attempt at the run started, in ISO 8601. */
  readonly startedAt: string
  /** Wall-clock seconds that the run has taken so far, over all attempts. */
  readonly wallSeconds: number
  /** Processor seconds that the run has taken so far, over all attempts; absent if an attempt did not measure them. */
  readonly processorSeconds?: number
}

/** Returns the bytes of a run's checkpoint file, which include a checksum. */
export const encodeCheckpoint = (checkpoint: Checkpoint): Uint8Array => seal(MAGIC, checkpoint)

/**
 * Returns the checkpoint in the bytes of a run's checkpoint file.
 * @param path path of the file, only for messages
 * @throws BenchError `corrupt` if the checksum does not match
 */
export function decodeCheckpoint({ buffer, byteOffset, byteLength }: Uint8Array, path: string): Checkpoint {
  const remedy = 'delete it to begin this run again'
  return unseal(MAGIC, Buffer.from(buffer, byteOffset, byteLength), { path, kind: 'checkpoint', remedy }) as Checkpoint
}
