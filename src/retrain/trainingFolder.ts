/**
 * The folder of one full training in the store. It contains a checkpoint while the training is unfinished, and the
 * result afterwards.
 */
import { createHash } from 'node:crypto'
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { BenchError } from '../core/errors.ts'
import type { ExecutableState } from '../core/executor.ts'
import { parseRecord } from '../core/parseRecord.ts'
import type { KeptWeights } from '../core/retraining.ts'
import { makeFolder, writeAtomically } from '../system/atomicFile.ts'
import { seal, unseal } from '../system/checksums.ts'
import { recordText } from '../system/json.ts'
import { type Lock, lock } from '../system/lock.ts'
import type { ProcessIdentity } from '../system/processes.ts'
import { isThere, readIfThere } from '../system/readable.ts'
import { encodeSafetensors, type TensorFile } from '../system/safetensors.ts'
import { removeTemporaries } from '../system/temporaryFile.ts'
import type { TrainingEpoch } from './training.ts'
import { type TrainingRecord, trainingRecordSchema } from './trainingRecord.ts'

const MAGIC = 'NBHTRN01'
const WEIGHTS_ENDING = '.safetensors'

/** Name of the file with the weights after the last epoch of the training. */
export const FINAL_WEIGHTS = `weights${WEIGHTS_ENDING}`

/** Returns the name of the file with the weights after this number of epochs, if it is not the last epoch. */
export const weightsFile = (epochs: number): string => `weights-${epochs}-epochs${WEIGHTS_ENDING}`

export interface TrainingCheckpoint {
  /** Id of the training, which depends on genotype, settings, seed and images. */
  readonly id: string
  readonly epochs: readonly TrainingEpoch[]
  readonly state: ExecutableState
  readonly startedAt: string
  /** Wall-clock time of the training so far, in seconds, over all attempts. */
  readonly wallSeconds: number
  /** Weights saved so far, without the final ones; absent in checkpoints of earlier versions of this program. */
  readonly weights?: readonly KeptWeights[]
  /**
   * Node.js versions of all attempts at the training so far; absent in checkpoints of earlier versions of this program.
   */
  readonly nodeVersions?: readonly string[]
}

export class TrainingFolder {
  readonly id: string
  /** Path of the training's folder. */
  readonly path: string
  #lock: Lock | undefined

  /**
   * Represents the folder of a training; creates nothing.
   * @param store folder of the store, which contains all runs and full trainings
   * @param id id of the training
   */
  constructor(store: string, id: string) {
    this.id = id
    this.path = join(store, id)
  }

  /**
   * Acquires the lock of the training's folder, waiting if necessary, then removes temporary files of killed processes.
   * While this process holds the lock, writing fails if another process has taken over the lock.
   */
  async lock(onWait: (holder: ProcessIdentity) => void): Promise<Lock> {
    makeFolder(this.path)
    this.#lock = await lock(this.#file('lock'), onWait)
    removeTemporaries(this.#file('lock'))
    if (isThere(this.#file('result.json'))) rmSync(this.#file('checkpoint'), { force: true })
    return this.#lock
  }

  /** Returns the result of the training, or undefined if it is not finished. @throws BenchError `corrupt` */
  result(): TrainingRecord | undefined {
    const path = this.#file('result.json')
    const text = readIfThere(path)?.toString('utf8')
    if (text === undefined) return undefined
    const remedy = 'restore it from a copy, or move its folder away'
    const record = parseRecord(text, path, { schema: trainingRecordSchema(), what: 'the result of a training', remedy })
    if (record.id === this.id) return record
    throw new BenchError('corrupt', `${path} is the result of ${record.id}, not of ${this.id}; ${remedy}`)
  }

  /**
   * Returns the checkpoint of the training, or undefined if there is none.
   * @throws BenchError `corrupt` if the checkpoint is damaged or belongs to another training
   */
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

  save(checkpoint: TrainingCheckpoint): void {
    this.#lock?.requireHeld()
    writeAtomically(this.#file('checkpoint'), seal(MAGIC, checkpoint))
    this.#removeOtherWeights(checkpoint.weights ?? [])
  }

  /**
   * Writes weights of the training to a file in its folder.
   * @param epochs number of epochs after which the network had these weights
   */
  keepWeights(file: string, epochs: number, content: TensorFile): KeptWeights {
    this.#lock?.requireHeld()
    const bytes = encodeSafetensors(content)
    writeAtomically(this.#file(file), bytes)
    return { epochs, file, sha256: createHash('sha256').update(bytes).digest('hex') }
  }

  /** Writes the result of the training and removes its checkpoint. */
  finish(record: TrainingRecord): void {
    this.#lock?.requireHeld()
    writeAtomically(this.#file('result.json'), recordText(record))
    rmSync(this.#file('checkpoint'), { force: true })
    this.#removeOtherWeights(record.weights ?? [])
  }

  /**
   * Removes weight files that the checkpoint or result does not list: weights that are no longer the best, and those of
   * an attempt that was killed before its next checkpoint.
   */
  #removeOtherWeights(listed: readonly KeptWeights[]): void {
    for (const name of readdirSync(this.path)) {
      if (!name.endsWith(WEIGHTS_ENDING) || listed.some(({ file }) => file === name)) continue
      rmSync(this.#file(name), { force: true })
    }
  }

  #file(name: string): string {
    return join(this.path, name)
  }
}
