/**
 * Defines the messages between a command and its worker processes: the work order (list of jobs) that a worker gets,
 * and the events that it sends back.
 */
import type { ErrorCode } from '../../core/errors.ts'
import type { Environment, RunManifest } from '../../core/result.ts'
import type { ExecutorOptions } from '../../engine/index.ts'
import type { LogFormat } from '../../system/progressLog.ts'

/** An event of a running job: its beginning, progress, a finished epoch, a notice, or its end. */
export type RunReport =
  /**
   * The job's run began, or was resumed after `from` finished epochs. `inEpochs` is false for black-box searches and
   * for given architectures, whose progress is not shown in epochs.
   */
  | { readonly kind: 'begun'; readonly epochs: number; readonly from: number; readonly inEpochs?: boolean }
  /** The run waits for another process, on `host` with `pid`, which is running the same job. */
  | { readonly kind: 'waiting'; readonly pid: number; readonly host: string }
  /**
   * The search made progress. `share` is the finished fraction of the whole search, 0 to 1; it also grows within
   * epochs.
   */
  | { readonly kind: 'progress'; readonly share: number }
  /** An epoch of the job's search is finished. */
  | {
      readonly kind: 'epoch'
      readonly epoch: number
      /** Whether a checkpoint was written after the epoch, so that a later attempt at the run need not repeat it. */
      readonly isSaved: boolean
      readonly loss?: number
      readonly accuracyPct?: number
    }
  /**
   * A black-box search queried the oracle: number and best accuracy of its queries so far, and their time on the
   * simulated clock.
   */
  | {
      readonly kind: 'evaluations'
      readonly count: number
      /** Largest number of queries of the black-box search; absent if only the budget ends the search. */
      readonly most?: number
      readonly usedSeconds: number
      readonly budgetSeconds?: number
      readonly bestPct?: number
    }
  /**
   * An architecture that the lookup table lacks is being trained by the table's recipe. `share` is the finished
   * fraction of this training, `epochs` its number of epochs.
   */
  | { readonly kind: 'training'; readonly genotype: string; readonly share: number; readonly epochs: number }
  /** The found architecture is being trained in full. The fields describe this training, not the search. */
  | {
      readonly kind: 'retraining'
      readonly seed: number
      readonly share: number
      readonly epochs: number
      /** Number of finished epochs of the full training; loss and test error are those of the last one. */
      readonly epoch: number
      readonly loss?: number
      readonly testErrorPct?: number
    }
  /** An external program that does the search received or sent this message; reported only by `bench run --dry-run`. */
  | { readonly kind: 'message'; readonly direction: 'to' | 'from'; readonly line: string }
  /** A message to the user; the run continues after it. */
  | { readonly kind: 'notice'; readonly message: string }
  | { readonly kind: 'finished' }
  | {
      readonly kind: 'failed'
      readonly message: string
      readonly code: ErrorCode | 'unexpected'
      /** JavaScript stack of the error that ended the run, if it was unexpected. */
      readonly stack?: string
    }

/** An event of a running job, together with the id of the job's run. */
export type RunEvent = { readonly id: string } & RunReport

/** Exit status of a worker process that ended early but had reported which of its jobs failed. */
export const FAILURES_REPORTED = 3

/** The list of jobs that one worker process runs, and the settings that it needs for them, as plain data. */
export interface WorkOrder {
  /** Folder of the store that the worker process writes the runs to. */
  readonly store: string
  /** The jobs of the work order. All have the same dataset and lookup table. */
  readonly jobs: readonly (Pick<RunManifest, 'id' | 'job' | 'foundBy'> & Pick<Environment, 'interpreter'>)[]
  /**
   * Number of jobs that the worker process runs at the same time; absent: 1. It is above 1 if several jobs share a GPU.
   */
  readonly atATime?: number
  /** Plugins that the jobs need: files or packages, as after `--plugin`. */
  readonly plugins: readonly string[]
  /** Folder of the images that the jobs train on; absent for the user's data folder and for built-in images. */
  readonly data?: string
  /** Name or path of the table in which the jobs look architectures up; absent if they look nothing up. */
  readonly table?: string
  readonly executor: ExecutorOptions
  /** Formats in which the metrics of each epoch are logged in addition to the records; absent: none. */
  readonly log?: readonly LogFormat[]
  /** Whether the messages of searches by external programs are reported; absent: false. */
  readonly withMessages?: boolean
}
