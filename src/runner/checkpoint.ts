/**
 * The file that a search goes on from. Layout: magic (8 bytes, the last two digits are the schema), SHA-256 of the
 * payload (32 bytes), payload (v8's structured serialisation: plain data and typed arrays, bits kept).
 */
import { createHash } from 'node:crypto'
import { deserialize, serialize } from 'node:v8'
import type { SearchState } from '../core/algorithm.ts'
import { BenchError } from '../core/errors.ts'
import type { TrajectoryPoint } from '../core/result.ts'

const MAGIC = Buffer.from('NBHCKP01', 'latin1')
const HASH_BYTES = 32

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

export function encodeCheckpoint(checkpoint: Checkpoint): Buffer {
  const payload = serialize(checkpoint)
  return Buffer.concat([MAGIC, sha256(payload), payload])
}

/** @param path for messages only. @throws BenchError `corrupt` where a byte is not as it was written */
export function decodeCheckpoint(bytes: Buffer, path: string): Checkpoint {
  const payload = bytes.subarray(MAGIC.length + HASH_BYTES)
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw new BenchError('corrupt', `${path} is no checkpoint of this version; delete it to begin this run again`)
  }
  if (!bytes.subarray(MAGIC.length, MAGIC.length + HASH_BYTES).equals(sha256(payload))) {
    throw new BenchError('corrupt', `${path} does not match its own hash; delete it to begin this run again`)
  }
  return deserialize(payload)
}

const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest()
