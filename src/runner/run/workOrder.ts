/** What the command hands to a worker process, as plain data. */
import type { RunManifest } from '../../core/result.ts'
import type { ExecutorOptions } from '../../engine/executors.ts'

/** Exit status of a worker that ends early, and has said itself which of its jobs failed by it. */
export const GAVE_UP = 3

export interface WorkOrder {
  readonly store: string
  /** All share dataset and table. */
  readonly jobs: readonly Pick<RunManifest, 'id' | 'job' | 'foundBy'>[]
  /** How many jobs run side by side, 1 where absent: more where they share a GPU. */
  readonly atATime?: number
  readonly plugins: readonly string[]
  /** Folder of the images; absent: the user's data folder, or the built-in set. */
  readonly data?: string
  /** As given to `openTable`. */
  readonly table?: string
  readonly executor: ExecutorOptions
}
