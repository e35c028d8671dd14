/**
 * Messages between a command and its worker processes: the work order that a worker gets, and the events that it sends
 * back.
 */
import type { ErrorCode } from '../../core/errors.ts'
import type { RunManifest } from '../../core/result.ts'
import type { ExecutorOptions } from '../../engine/index.ts'

/** An event of a run: its beginning, progress, a finished epoch, a notice, or its end. */
export type RunReport =
  /**
   * The run began, or was resumed after `from` epochs. `inEpochs` is false for black-box searches and given
   * architectures, whose progress is not shown in epochs.
   */
  | { readonly kind: 'begun'; readonly epochs: number; readonly from: number; readonly inEpochs?: boolean }
  /** The run waits for another process that works on it. */
  | { readonly kind: 'waiting'; readonly pid: number; readonly host: string }
  /** `share` is the finished part of the whole search, 0 to 1; it grows within epochs, too. */
  | { readonly kind: 'progress'; readonly share: number }
  /** An epoch of the search is finished. */
  | {
      readonly kind: 'epoch'
      readonly epoch: number
      readonly loss?: number
      readonly accuracyPct?: number
    }
  /** Number and best accuracy of a black-box search's queries so far, and their time on the simulated clock. */
  | {
      readonly kind: 'evaluations'
      readonly count: number
      /** Largest number of queries; absent if only the budget ends the search. */
      readonly most?: number
      readonly usedSeconds: number
      readonly budgetSeconds?: number
      readonly bestPct?: number
    }
  /**
   * An architecture that the table lacks is being trained by the table's recipe; share and epochs are those of this
   * training.
   */
  | { readonly kind: 'training'; readonly genotype: string; readonly share: number; readonly epochs: number }
  /** The found architecture is being trained in full; share and epochs are those of this training. */
  | {
      readonly kind: 'retraining'
      readonly seed: number
      readonly share: number
      readonly epochs: number
      /** Finished epochs of the training; loss and test error are those of the last one. */
      readonly epoch: number
      readonly loss?: number
      readonly testErrorPct?: number
    }
  /** A message for the user; the run goes on. */
  | { readonly kind: 'notice'; readonly message: string }
  | { readonly kind: 'finished' }
  | {
      readonly kind: 'failed'
      readonly message: string
      readonly code: ErrorCode | 'unexpected'
      /** Stack of an unexpected error. */
      readonly stack?: string
    }

/** An event together with the id of its run. */
export type RunEvent = { readonly id: string } & RunReport

/** Exit status of a worker process that ended early after reporting which of its jobs failed. */
export const FAILURES_REPORTED = 3

/** The jobs of one worker process, and what they need, as plain data. */
export interface WorkOrder {
  /** Folder of the store. */
  readonly store: string
  /** The jobs, all with the same dataset and table. */
  readonly jobs: readonly Pick<RunManifest, 'id' | 'job' | 'foundBy'>[]
  /** Number of jobs that run at the same time, 1 if absent; more than 1 for jobs that share a GPU. */
  readonly atATime?: number
  /** Files or packages of the plugins. */
  readonly plugins: readonly string[]
  /** Folder of the images; absent for the user's data folder and for built-in images. */
  readonly data?: string
  /** Name or path of the table; absent if nothing is looked up. */
  readonly table?: string
  readonly executor: ExecutorOptions
}
