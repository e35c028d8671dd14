/** The folder of one run: its record files, its lock and its checkpoint. */

import { readdirSync, rmSync, statSync, truncateSync } from 'node:fs'
import type { SearchState } from '../../core/algorithm.ts'
import { BenchError } from '../../core/errors.ts'
import { pluralize } from '../../core/plainText.ts'
import { parseRecord, type ReadAs, runFiles } from '../../core/recordSchemas.ts'
import type { EpochRecord, FailureRecord, ResultRecord, RunManifest, TrajectoryPoint } from '../../core/result.ts'
import { appendWhole, makeFolder, writeAtomically, writeFailure } from '../../system/atomicFile.ts'
import { seal, unseal } from '../../system/checksums.ts'
import { canonicalJson, recordText } from '../../system/json.ts'
import { type Lock, lock, lockHolder, lockIfFree } from '../../system/lock.ts'
import type { ProcessIdentity } from '../../system/processes.ts'
import { isThere, readIfThere } from '../../system/readable.ts'
import { removeTemporaries } from '../../system/temporaryFile.ts'

export type RunState =
  /** `result.json` exists. */
  | 'finished'
  /** A process holds the run's lock. */
  | 'running'
  /** The last attempt ended with an error. */
  | 'failed'
  /** Its process is gone; the same command continues from the checkpoint. */
  | 'interrupted'

const REMEDY = 'restore it from a copy, or move the folder away'

/** Record type of a file of the run. */
type RunFile<Name extends 'run.json' | 'result.json' | 'failure.json'> = ReturnType<
  (typeof runFiles)[Name]['schema']['parse']
>

/** Reads and writes the files of one run. */
export class RunFolder {
  readonly path: string
  readonly id: string
  #lock: Lock | undefined

  constructor(path: string, id: string) {
    this.path = path
    this.id = id
  }

  /** Whether the run was begun. @throws BenchError `bad-input` if the folder cannot be read */
  exists(): boolean {
    return isThere(this.#file('run.json'))
  }

  /** Whether the run has a result. */
  isFinished(): boolean {
    return isThere(this.#file('result.json'))
  }

  /** Returns the state of the run, from its files and its lock. */
  state(): RunState {
    if (this.isFinished()) return 'finished'
    if (lockHolder(this.#file('lock')) !== undefined) return 'running'
    return isThere(this.#file('failure.json')) ? 'failed' : 'interrupted'
  }

  /** Returns the content of `run.json`. @throws BenchError `missing` or `corrupt` */
  manifest(): RunManifest {
    const manifest = this.#read('run.json')
    if (manifest === undefined) throw new BenchError('missing', `${this.path} holds no run: there is no run.json`)
    return manifest
  }

  /** Returns the result, or undefined if the run is not finished. @throws BenchError `corrupt` */
  result(): ResultRecord | undefined {
    return this.#read('result.json')
  }

  /** Returns the failure of the last attempt, or undefined if it did not fail. @throws BenchError `corrupt` */
  failure(): FailureRecord | undefined {
    return this.#read('failure.json')
  }

  /**
   * Returns the records of the finished epochs, in order, without a last line that was not written completely.
   * @throws BenchError `corrupt`
   */
  epochs(): readonly EpochRecord[] {
    const path = this.#file('epochs.jsonl')
    const lines = readIfThere(path)?.toString('utf8').split('\n') ?? []
    return lines.slice(0, -1).map((line, i) => {
      const record = parseRecord(line, `${path}, line ${i + 1},`, runFiles['epochs.jsonl'])
      if (record.epoch === i) return record
      throw new BenchError('corrupt', `${path}, line ${i + 1}, is of epoch ${record.epoch}, expected ${i}; ${REMEDY}`)
    })
  }

  /** Returns the number of recorded epochs. */
  epochCount(): number {
    const lines = readIfThere(this.#file('epochs.jsonl'))?.toString('latin1').split('\n') ?? ['']
    return lines.length - 1
  }

  /** Waits for the run's lock and takes it. Every write then checks that no other process has taken the lock over. */
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
   * Begins or resumes the run: writes `run.json`, or adds the present environment to it, and deletes the failure record
   * and the temporary files of earlier attempts.
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
    removeTemporaries(this.path)
    rmSync(this.#file('failure.json'), { force: true })
  }

  /**
   * Returns the checkpoint, or undefined if there is none, and cuts `epochs.jsonl` back to the epochs of the
   * checkpoint.
   */
  resume(): Checkpoint | undefined {
    const path = this.#file('checkpoint')
    const bytes = readIfThere(path)
    const checkpoint = bytes === undefined ? undefined : decodeCheckpoint(bytes, path)
    this.#keepEpochs(checkpoint?.epochs ?? 0)
    return checkpoint
  }

  /** Appends epoch records to `epochs.jsonl`. */
  appendEpochs(records: readonly EpochRecord[]): void {
    if (records.length === 0) return
    this.#lock?.requireHeld()
    const path = this.#file('epochs.jsonl')
    const lines = records.map((record) => `${JSON.stringify(record)}\n`).join('')
    appendWhole(path, lines)
  }

  /** Replaces the checkpoint. */
  saveCheckpoint(checkpoint: Checkpoint): void {
    this.#lock?.requireHeld()
    writeAtomically(this.#file('checkpoint'), encodeCheckpoint(checkpoint))
  }

  /** Writes the result, which ends the run, and deletes the checkpoint. */
  finish(result: ResultRecord): void {
    this.#writeJson('result.json', result)
    rmSync(this.#file('checkpoint'), { force: true })
  }

  /** Deletes files that a killed process has left in the folder of a finished run. */
  tidy(): void {
    const isLeftover = (name: string) => name === 'lock' || name === 'checkpoint' || name.endsWith('.tmp')
    if (!readdirSync(this.path).some(isLeftover)) return
    const lock = lockIfFree(this.#file('lock'))
    if (lock === undefined) return
    removeTemporaries(this.path)
    rmSync(this.#file('checkpoint'), { force: true })
    lock.release()
  }

  /** Writes the failure record. */
  fail(failure: FailureRecord): void {
    this.#writeJson('failure.json', failure)
  }

  /**
   * Records the failure of a run whose process could not record it itself, and begins the run if it was not begun.
   * Changes nothing if the run is finished, already has this failure on record, or is locked by another process.
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

  #file(name: string): string {
    // `join` takes as long as looking for the file, which listing a store does for thousands of runs.
    return `${this.path}/${name}`
  }

  #writeJson(name: string, value: unknown): void {
    this.#lock?.requireHeld()
    writeAtomically(this.#file(name), recordText(value))
  }

  /** Reads a record file; undefined if there is none. @throws BenchError `corrupt`, also for a record of another run */
  #read<Name extends 'run.json' | 'result.json' | 'failure.json'>(name: Name): RunFile<Name> | undefined {
    const path = this.#file(name)
    const text = readIfThere(path)
    if (text === undefined) return undefined
    const as = runFiles[name] as ReadAs<RunFile<Name>>
    const record = parseRecord(text.toString('utf8'), path, as)
    if (record.id === this.id) return record
    throw new BenchError('corrupt', `${path} is of run ${record.id}, not of the run that its folder names; ${REMEDY}`)
  }

  /** Cuts `epochs.jsonl` back to `count` lines. @throws BenchError `corrupt` if it has fewer */
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

/** Runs `write` and turns its system errors into the same BenchError that `writeAtomically` throws. */
function writing(path: string, write: () => void): void {
  try {
    write()
  } catch (cause) {
    throw writeFailure(path, cause as NodeJS.ErrnoException)
  }
}

/** First bytes of a checkpoint file. */
const MAGIC = 'NBHCKP01'

/** The state from which an interrupted search continues. */
export interface Checkpoint {
  /** Number of finished epochs; only so many lines of `epochs.jsonl` are valid. */
  readonly epochs: number
  /** State of the algorithm. */
  readonly search: SearchState
  /** Answers of the oracle so far; the simulated clock stands at the time of the last one. */
  readonly queries: readonly TrajectoryPoint[]
  /** Start of the first attempt, in ISO 8601. */
  readonly startedAt: string
  /** Wall-clock time spent so far, in seconds, over all attempts. */
  readonly wallSeconds: number
}

/** Returns the bytes of a checkpoint file, with a checksum. */
export const encodeCheckpoint = (checkpoint: Checkpoint): Uint8Array => seal(MAGIC, checkpoint)

/**
 * Decodes a checkpoint file. @param path for messages only. @throws BenchError `corrupt` if the checksum does not match
 */
export function decodeCheckpoint({ buffer, byteOffset, byteLength }: Uint8Array, path: string): Checkpoint {
  const remedy = 'delete it to begin this run again'
  return unseal(MAGIC, Buffer.from(buffer, byteOffset, byteLength), { path, kind: 'checkpoint', remedy }) as Checkpoint
}
