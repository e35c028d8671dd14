/** One full training on disk: a checkpoint while it runs, its result when it is done. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { BenchError } from '../core/errors.ts'
import type { ExecutableState } from '../core/executor.ts'
import { parseRecord } from '../core/recordSchemas.ts'
import { makeFolder, writeAtomically } from '../system/atomicFile.ts'
import { seal, unseal } from '../system/checksums.ts'
import { recordText } from '../system/json.ts'
import { type Lock, lock } from '../system/lock.ts'
import type { ProcessIdentity } from '../system/processes.ts'
import { isThere, readIfThere } from '../system/readable.ts'
import { removeTemporaries } from '../system/temporaryFile.ts'
import type { TrainingEpoch } from './training.ts'
import { type TrainingRecord, trainingRecordSchema } from './trainingRecord.ts'

const MAGIC = 'NBHTRN01'

export interface TrainingCheckpoint {
  /** Of the training that it belongs to: genotype, settings, seed, images. */
  readonly id: string
  readonly epochs: readonly TrainingEpoch[]
  readonly state: ExecutableState
  readonly startedAt: string
  /** Work so far, in seconds, over all attempts. */
  readonly wallSeconds: number
  /** Of Node.js, of all attempts so far; absent in checkpoints from before they were noted. */
  readonly nodeVersions?: readonly string[]
}

export class TrainingFolder {
  readonly id: string
  readonly #path: string
  #lock: Lock | undefined

  /** @param store folder of the runs */
  constructor(store: string, id: string) {
    this.id = id
    this.#path = join(store, id)
  }

  /**
   * Waits for the lock, and removes what a process has left that was killed before it had tidied up itself. While this
   * object holds it, it refuses to write once another process has taken it over.
   */
  async lock(onWait: (holder: ProcessIdentity) => void): Promise<Lock> {
    makeFolder(this.#path)
    this.#lock = await lock(this.#file('lock'), onWait)
    removeTemporaries(this.#path)
    if (isThere(this.#file('result.json'))) rmSync(this.#file('checkpoint'), { force: true })
    return this.#lock
  }

  /** Undefined where the training is not finished. @throws BenchError `corrupt` */
  result(): TrainingRecord | undefined {
    const path = this.#file('result.json')
    const text = readIfThere(path)?.toString('utf8')
    if (text === undefined) return undefined
    const remedy = 'restore it from a copy, or move its folder away'
    const record = parseRecord(text, path, { schema: trainingRecordSchema, what: 'the result of a training', remedy })
    if (record.id === this.id) return record
    throw new BenchError('corrupt', `${path} is the result of ${record.id}, not of ${this.id}; ${remedy}`)
  }

  /** Undefined where the training begins at epoch 0. @throws BenchError `corrupt` where it is damaged, or another's */
  checkpoint(): TrainingCheckpoint | undefined {
    const path = this.#file('checkpoint')
    const bytes = readIfThere(path)
    if (bytes === undefined) return undefined
    const remedy = 'delete it to begin this training again'
    const checkpoint = unseal(MAGIC, bytes, { path, kind: 'checkpoint of a training', remedy }) as TrainingCheckpoint
    if (checkpoint.id === this.id) return checkpoint
    throw new BenchError(
      'corrupt',
      `${path} is of ${checkpoint.id}, which has another genotype, other settings or other images; ${remedy}`,
    )
  }

  /** Finished epochs on record; 0 where the training has not begun, or its checkpoint cannot be read. */
  finishedEpochs(): number {
    try {
      return (this.result() ?? this.checkpoint())?.epochs.length ?? 0
    } catch (error) {
      if (error instanceof BenchError) return 0
      throw error
    }
  }

  save(checkpoint: TrainingCheckpoint): void {
    this.#lock?.requireHeld()
    writeAtomically(this.#file('checkpoint'), seal(MAGIC, checkpoint))
  }

  /** The last file of a training; the checkpoint is no longer needed then. */
  finish(record: TrainingRecord): void {
    this.#lock?.requireHeld()
    writeAtomically(this.#file('result.json'), recordText(record))
    rmSync(this.#file('checkpoint'), { force: true })
  }

  #file(name: string): string {
    return join(this.#path, name)
  }
}
