/** One run on disk. */
import { readdirSync, rmSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import type { SearchState } from '../../core/algorithm.ts'
import { BenchError } from '../../core/errors.ts'
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
  /** `result.json` is there. */
  | 'finished'
  /** A process works on it. */
  | 'running'
  /** It ended with an error. */
  | 'failed'
  /** Its process is gone; the same command goes on from the checkpoint. */
  | 'interrupted'

const REMEDY = 'restore it from a copy, or move the folder away'

type RunFile<Name extends 'run.json' | 'result.json' | 'failure.json'> = ReturnType<
  (typeof runFiles)[Name]['schema']['parse']
>

export class RunFolder {
  readonly path: string
  readonly id: string
  #lock: Lock | undefined

  constructor(path: string, id: string) {
    this.path = path
    this.id = id
  }

  /** @throws BenchError `bad-input` where that cannot be told: a run that cannot be read is not left out */
  exists(): boolean {
    return isThere(this.#file('run.json'))
  }

  isFinished(): boolean {
    return isThere(this.#file('result.json'))
  }

  state(): RunState {
    if (this.isFinished()) return 'finished'
    if (lockHolder(this.#file('lock')) !== undefined) return 'running'
    return isThere(this.#file('failure.json')) ? 'failed' : 'interrupted'
  }

  /** @throws BenchError `missing` or `corrupt` */
  manifest(): RunManifest {
    const manifest = this.#read('run.json')
    if (manifest === undefined) throw new BenchError('missing', `${this.path} holds no run: there is no run.json`)
    return manifest
  }

  /** The result, or undefined where the run is not finished. @throws BenchError `corrupt` */
  result(): ResultRecord | undefined {
    return this.#read('result.json')
  }

  /** Why it stopped, or undefined where it did not. @throws BenchError `corrupt` */
  failure(): FailureRecord | undefined {
    return this.#read('failure.json')
  }

  /**
   * The finished epochs, in order. A last line that was being written when the machine stopped is left out.
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

  /** How many epochs are on record. */
  epochCount(): number {
    const lines = readIfThere(this.#file('epochs.jsonl'))?.toString('latin1').split('\n') ?? ['']
    return lines.length - 1
  }

  /** Waits for the lock. While this object holds it, it refuses to write once another process has taken it over. */
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
   * Writes `run.json`, or notes in it that the run goes on in another environment; forgets an earlier failure, and what
   * earlier processes were killed in the middle of writing.
   * @throws BenchError `corrupt` where the folder is another job's
   */
  begin(manifest: RunManifest): void {
    const earlier = this.#read('run.json')
    if (earlier === undefined) this.#writeJson('run.json', manifest)
    else if (canonicalJson(earlier.job) !== canonicalJson(manifest.job)) {
      throw new BenchError('corrupt', `${this.path} holds another job than its name says; move it away`)
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

  /** The checkpoint, with `epochs.jsonl` cut back to its epochs; undefined where the run begins at epoch 0. */
  resume(): Checkpoint | undefined {
    const path = this.#file('checkpoint')
    const bytes = readIfThere(path)
    const checkpoint = bytes === undefined ? undefined : decodeCheckpoint(bytes, path)
    this.#keepEpochs(checkpoint?.epochs ?? 0)
    return checkpoint
  }

  appendEpochs(records: readonly EpochRecord[]): void {
    if (records.length === 0) return
    this.#lock?.requireHeld()
    const path = this.#file('epochs.jsonl')
    const lines = records.map((record) => `${JSON.stringify(record)}\n`).join('')
    appendWhole(path, lines)
  }

  saveCheckpoint(checkpoint: Checkpoint): void {
    this.#lock?.requireHeld()
    writeAtomically(this.#file('checkpoint'), encodeCheckpoint(checkpoint))
  }

  /** The last file of a run; the checkpoint is no longer needed then. */
  finish(result: ResultRecord): void {
    this.#writeJson('result.json', result)
    rmSync(this.#file('checkpoint'), { force: true })
  }

  /** Of a finished run: removes what a process has left that was killed before it had tidied up itself. */
  tidy(): void {
    const isLeft = (name: string) => name === 'lock' || name === 'checkpoint' || name.endsWith('.tmp')
    if (!readdirSync(this.path).some(isLeft)) return
    const lock = lockIfFree(this.#file('lock'))
    if (lock === undefined) return
    removeTemporaries(this.path)
    rmSync(this.#file('checkpoint'), { force: true })
    lock.release()
  }

  fail(failure: FailureRecord): void {
    this.#writeJson('failure.json', failure)
  }

  /**
   * Notes the failure of a run whose process is gone or could not note it itself, beginning the run where that was not
   * done. Nothing is changed where the run is finished, has this failure on record, or another process works on it.
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
    return join(this.path, name)
  }

  #writeJson(name: string, value: unknown): void {
    this.#lock?.requireHeld()
    writeAtomically(this.#file(name), recordText(value))
  }

  /** A record of this run: one that was moved here from another run's folder is refused, too. */
  #read<Name extends 'run.json' | 'result.json' | 'failure.json'>(name: Name): RunFile<Name> | undefined {
    const path = this.#file(name)
    const text = readIfThere(path)
    if (text === undefined) return undefined
    const as = runFiles[name] as ReadAs<RunFile<Name>>
    const record = parseRecord(text.toString('utf8'), path, as)
    if (record.id === this.id) return record
    throw new BenchError('corrupt', `${path} is of run ${record.id}, not of the run that its folder names; ${REMEDY}`)
  }

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
      if (end === 0) throw new BenchError('corrupt', `${path} has fewer than the ${count} epochs of its checkpoint`)
    }
    if (statSync(path).size > end) truncateSync(path, end)
  }
}

/** @throws BenchError as `writeAtomically` */
function writing(path: string, write: () => void): void {
  try {
    write()
  } catch (cause) {
    throw writeFailure(path, cause as NodeJS.ErrnoException)
  }
}

const MAGIC = 'NBHCKP01'

export interface Checkpoint {
  /** Epochs that are finished; as many lines of `epochs.jsonl` count. */
  readonly epochs: number
  readonly search: SearchState
  /** What the oracle answered so far; the clock is the last answer's. */
  readonly queries: readonly TrajectoryPoint[]
  readonly startedAt: string
  /** Work so far, in seconds, over all attempts. */
  readonly wallSeconds: number
}

export const encodeCheckpoint = (checkpoint: Checkpoint): Uint8Array => seal(MAGIC, checkpoint)

/** @param path for messages only. @throws BenchError `corrupt` where a byte is not as it was written */
export function decodeCheckpoint({ buffer, byteOffset, byteLength }: Uint8Array, path: string): Checkpoint {
  const remedy = 'delete it to begin this run again'
  return unseal(MAGIC, Buffer.from(buffer, byteOffset, byteLength), { path, kind: 'checkpoint', remedy }) as Checkpoint
}
