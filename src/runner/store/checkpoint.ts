/** The file that a search goes on from. */
import type { SearchState } from '../../core/algorithm.ts'
import type { TrajectoryPoint } from '../../core/result.ts'
import { seal, unseal } from '../../system/checksums.ts'

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
