/** What a run says of itself while it runs: from a worker process to the command. */
import type { ErrorCode } from '../../core/errors.ts'
import type { RunManifest } from '../../core/result.ts'
import type { ExecutorOptions } from '../../engine/executors.ts'

export type RunEvent = { readonly id: string } & (
  | { readonly kind: 'waiting'; readonly pid: number; readonly host: string }
  /** `from` > 0: resumed after that many epochs. Not `inEpochs`: a search in evaluations, or an architecture that is given. */
  | { readonly kind: 'begun'; readonly epochs: number; readonly from: number; readonly inEpochs?: boolean }
  /** Part of the whole search that is done, 0 … 1, between two epochs too. */
  | { readonly kind: 'progress'; readonly share: number }
  | {
      readonly kind: 'epoch'
      readonly epoch: number
      readonly loss?: number
      readonly accuracyPct?: number
    }
  /** What a black-box search has asked so far, on the simulated clock. */
  | {
      readonly kind: 'evaluations'
      readonly count: number
      /** Most that it will ask; absent: the budget ends it. */
      readonly most?: number
      readonly usedSeconds: number
      readonly budgetSeconds?: number
      readonly bestPct?: number
    }
  /** The table lacks an architecture, so it is being trained by the table's recipe; share and epochs are of this training. */
  | { readonly kind: 'training'; readonly genotype: string; readonly share: number; readonly epochs: number }
  /** What was found is trained in full; share and epochs are those of this training. */
  | {
      readonly kind: 'retraining'
      readonly seed: number
      readonly share: number
      readonly epochs: number
      /** Finished epochs, and what the last one came to. */
      readonly epoch: number
      readonly loss?: number
      readonly testErrorPct?: number
    }
  /** Something that the user should know, and nothing stops for. */
  | { readonly kind: 'notice'; readonly message: string }
  | { readonly kind: 'finished' }
  | {
      readonly kind: 'failed'
      readonly message: string
      readonly code: ErrorCode | 'unexpected'
      /** Where an unexpected error came from. */
      readonly stack?: string
    }
)

/** An event without the run's name. */
export type RunReport = RunEvent extends infer E ? (E extends unknown ? Omit<E, 'id'> : never) : never

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
