/** What a run leaves in the store: its configuration, a line an epoch, and the result. */

import type { ImageCounts } from './data.ts'
import type { Arithmetic } from './executor.ts'
import type { Metric } from './metric.ts'
import type { Matrix } from './mixing.ts'
import type { Protocol } from './protocol.ts'
import type { RetrainingTask, TrainingOutcome, TrainingTime } from './retraining.ts'

/**
 * A job, fully resolved: everything that its outcome depends on. The SHA-256 of its canonical JSON is part of the run's
 * id (`drnas-shapes-seed0-1f0c3a…`), so the same job is never run twice.
 */
export interface Job {
  readonly algorithm: {
    readonly name: string
    readonly version: number
    /** What its schema parses to the options of the search. */
    readonly options: Readonly<Record<string, unknown>>
    /** Where it is not built in: SHA-256 of the plugin's file and of those it imports, or name and version of its package. */
    readonly plugin?: string
  }
  readonly space: string
  /** Where the space is not built in: as `algorithm.plugin`. */
  readonly spacePlugin?: string
  /** Searched on. The hash is that of the images; absent for algorithms that read none. */
  readonly dataset: { readonly name: string; readonly contentHash?: string }
  /** Looked up in; absent where the result is a genotype only. */
  readonly table?: { readonly name: string; readonly sha256: string }
  /** How the answer is trained in full; absent where it is looked up, or where the result is a genotype only. */
  readonly retraining?: RetrainingTask
  readonly protocol: Protocol
  /** Simulated seconds for black-box searches; absent: unlimited. */
  readonly budgetSeconds?: number
  /** Probes with their options, as typed. */
  readonly probes: readonly string[]
  readonly seed: number
  /** Executor name: other kernels give other bits. Absent for algorithms that train no network. */
  readonly executor?: string
  /**
   * How the executor rounds. Absent where there is no executor, and in records from before it was noted: on `static/wasm`
   * these are `fused` where the Node.js of the record has relaxed SIMD (22 and later), else `deterministic`. No new job is
   * without it, so such a record is never taken for one.
   */
  readonly arithmetic?: Arithmetic
}

/** The machine and the programs that computed a run, or a part of it. */
export interface Environment {
  /** Of this package. */
  readonly version: string
  readonly node: string
  readonly platform: string
  readonly cpu: string
}

/** The search that found an architecture. */
export interface Finder {
  readonly algorithm: string
  readonly dataset: string
  readonly seed: number
  /** Id of its run. */
  readonly run: string
}

/** `run.json`: written when a run starts, and again where it is resumed in another environment. */
export interface RunManifest {
  readonly schema: 1
  readonly id: string
  readonly job: Job
  /** Of an architecture that was given as the file of a search; no part of the job, which is the same wherever it is from. */
  readonly foundBy?: Finder
  /** Where the run began. */
  readonly environment: Environment
  /** The other environments that took part, in the order in which they first did; absent where there was one. */
  readonly resumedIn?: readonly Environment[]
}

/** One line of `epochs.jsonl`. */
export interface EpochRecord {
  /** 0-based. */
  readonly epoch: number
  readonly trainLoss?: number
  readonly trainAccuracyPct?: number
  readonly validLoss?: number
  readonly validAccuracyPct?: number
  /** What the search would answer after this epoch, and its looked-up numbers (which the algorithm never sees). */
  readonly genotype: string
  readonly metrics: readonly Metric[]
  readonly parameters?: Matrix
  readonly extra?: Readonly<Record<string, number>>
  /** Results of probes by name. */
  readonly probes?: Readonly<Record<string, unknown>>
  readonly seconds: number
}

/** One query of a black-box search. */
export interface TrajectoryPoint {
  readonly genotype: string
  readonly accuracyPct: number
  /** Of the training, where the search asked for another than the usual. */
  readonly epochs?: number
  /** Simulated seconds spent when the answer came. */
  readonly usedSeconds: number
}

export interface SearchTime {
  readonly seconds: number
  /** What computed: a GPU, one core of a CPU, or several. */
  readonly device: 'gpu' | 'one core' | 'cpu'
}

/** `result.json`: written last, atomically; its presence means that the run is finished. */
export interface ResultRecord {
  readonly schema: 1
  readonly id: string
  readonly algorithm: string
  readonly space: string
  readonly dataset: string
  readonly table: string | null
  readonly protocol: string
  readonly seed: number
  readonly genotype: string
  readonly metrics: readonly Metric[]
  readonly parameters?: number
  readonly macs?: number
  /** That were run: fewer than planned where the search ended early. */
  readonly epochs: number
  /** What the dataset held, where images were read; absent in records from before it was noted. */
  readonly images?: ImageCounts
  /** Full trainings of the genotype, by seed. */
  readonly trainings?: readonly TrainingOutcome[]
  /** Black-box searches: what was asked, in order, and the clock. */
  readonly oracle?: {
    readonly budgetSeconds: number | null
    readonly usedSeconds: number
    readonly queries: readonly TrajectoryPoint[]
  }
  /** The only part that differs between two runs of the same job. */
  readonly timing: {
    readonly wallSeconds: number
    readonly startedAt: string
    readonly finishedAt: string
    /** Where full trainings followed: the search alone (absent where nothing was searched), and each of them. */
    readonly search?: SearchTime
    readonly trainings?: readonly TrainingTime[]
  }
}

/** `failure.json`: the run stopped with an error and can be tried again. */
export interface FailureRecord {
  readonly schema: 1
  readonly id: string
  readonly epoch: number
  readonly message: string
}
