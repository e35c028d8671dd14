/** The records of a run that the store keeps as files: its job, one line per epoch, and its result or failure. */

import type { ImageCounts, ImageSplit } from './data.ts'
import type { Arithmetic } from './executor.ts'
import type { Metric } from './metric.ts'
import type { Matrix } from './mixing.ts'
import type { Protocol } from './protocol.ts'
import type { RetrainingTask, TrainingOutcome, TrainingTime } from './retraining.ts'

/**
 * A job with every setting that its result depends on. The SHA-256 of its canonical JSON is part of the run's id
 * (`drnas-shapes-seed0-1f0c3a…`), so the same job is never run twice.
 */
export interface Job {
  readonly algorithm: {
    readonly name: string
    readonly version: number
    /** Options of the job's algorithm, which the algorithm's schema parses. */
    readonly options: Readonly<Record<string, unknown>>
    /**
     * Content of the plugin that defines the algorithm: SHA-256 of its file and imports, or name and version of its
     * package. Absent for built-in algorithms.
     */
    readonly plugin?: string
  }
  readonly space: string
  /**
   * Content of the plugin that defines the search space, in the form of `algorithm.plugin`. Absent for built-in spaces.
   */
  readonly spacePlugin?: string
  /**
   * The dataset on which the search trains, with the hash of its images; no hash for algorithms that read no images.
   */
  readonly dataset: {
    readonly name: string
    readonly contentHash?: string
    /** How the program divided the images; absent: the files say which are training and which are test images. */
    readonly split?: ImageSplit
  }
  /**
   * The table of precomputed results in which the found architecture is looked up; absent if the result is a genotype
   * only.
   */
  readonly table?: { readonly name: string; readonly sha256: string }
  /**
   * The full training of the found architecture; absent if the architecture is looked up in a table, or if the result
   * is a genotype only.
   */
  readonly retraining?: RetrainingTask
  readonly protocol: Protocol
  /** Budget of a black-box search in simulated seconds; absent: unlimited. */
  readonly budgetSeconds?: number
  /** Probes that measure the search, with their options, as given on the command line. */
  readonly probes: readonly string[]
  readonly seed: number
  /**
   * Marks a run that another program computed and `bench import runs` read from a file; its settings are unknown.
   * `content` is the SHA-256 of what was read: the architectures with their epochs and times.
   */
  readonly imported?: { readonly content: string }
  /**
   * Name of the executor that trains the network, since executors round differently. Absent for algorithms that train
   * no network.
   */
  readonly executor?: string
  /**
   * How the executor rounds. Absent if there is no executor, and in records of earlier versions, which on `static/wasm`
   * were `fused` in Node.js 22 and later and `deterministic` in Node.js 20. Every new job with an executor has it, so
   * an earlier record is never taken for a new job.
   */
  readonly arithmetic?: Arithmetic
}

/** The machine and the versions of the programs that computed a run or a part of it. */
export interface Environment {
  /** Version of this package. */
  readonly version: string
  readonly node: string
  readonly platform: string
  readonly cpu: string
  /** Interpreter of a search that is a program, with its version, such as `Python 3.11.7`. */
  readonly interpreter?: string
}

/** The search that found an architecture to be trained in full. */
export interface Finder {
  readonly algorithm: string
  readonly dataset: string
  readonly seed: number
  /** Id of the run of the search that found the architecture. */
  readonly run: string
}

/**
 * `run.json`: the job of a run and where it runs. Written when the run starts, and again if it is resumed in another
 * environment.
 */
export interface RunManifest {
  readonly schema: 1
  readonly id: string
  readonly job: Job
  /**
   * The search that found the architecture to train in full, if the user named the record of a search. Not part of the
   * job.
   */
  readonly foundBy?: Finder
  /** The file that an imported run was read from, its SHA-256, and its format, such as `CSV`. Not part of the job. */
  readonly importedFrom?: { readonly file: string; readonly sha256: string; readonly format: string }
  /** The environment in which the run began (or was imported): machine and versions of programs. */
  readonly environment: Environment
  /** Further environments in which the run was resumed, in order; absent if there were none. */
  readonly resumedIn?: readonly Environment[]
}

/** One line of `epochs.jsonl`: what the search measured in one epoch, and its current architecture. */
export interface EpochRecord {
  /** Number of the epoch, from 0. */
  readonly epoch: number
  readonly trainLoss?: number
  readonly trainAccuracyPct?: number
  readonly validLoss?: number
  readonly validAccuracyPct?: number
  /**
   * Value of the protocol's metric on the validation images, in %; absent if the metric is the accuracy, and in
   * searches without a network.
   */
  readonly validMetricPct?: number
  /**
   * The architecture that the search would give as its result after this epoch. Its looked-up metrics follow, which no
   * search sees.
   */
  readonly genotype: string
  readonly metrics: readonly Metric[]
  readonly parameters?: Matrix
  readonly extra?: Readonly<Record<string, number>>
  /** What each probe measured after this epoch, by the name of the probe. */
  readonly probes?: Readonly<Record<string, unknown>>
  /** Wall-clock seconds of the epoch; absent in records that were taken over from a compact report. */
  readonly seconds?: number
}

/** One query of a black-box search to the oracle. */
export interface TrajectoryPoint {
  readonly genotype: string
  readonly accuracyPct: number
  /**
   * Length of the training whose accuracy was queried, in epochs; absent if the search asked for the default length.
   */
  readonly epochs?: number
  /** Simulated seconds that the search has spent, including this query. */
  readonly usedSeconds: number
}

/** A recorded query. Its architecture is absent in records that were taken over from a compact report. */
export type RecordedQuery = Omit<TrajectoryPoint, 'genotype'> & Partial<Pick<TrajectoryPoint, 'genotype'>>

/** Duration of a search and the hardware that it used. */
export interface SearchTime {
  readonly seconds: number
  /** Hardware that the search used: a GPU, one core of a CPU (`one core`), or several cores (`cpu`). */
  readonly device: 'gpu' | 'one core' | 'cpu'
}

/**
 * `result.json`: the result of a run. It is written last and atomically, so its presence means that the run is
 * finished.
 */
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
  /** Number of epochs that the search did: fewer than planned if it ended early. */
  readonly epochs: number
  /**
   * Value of the protocol's metric on the validation images after the last epoch, in %; absent if the records of the
   * epochs have none.
   */
  readonly validMetricPct?: number
  /**
   * Numbers of images and classes in the dataset; absent if no images were read, and in records of earlier versions.
   */
  readonly images?: ImageCounts
  /** Full trainings of the found architecture, one per seed; absent if its metrics come from a table. */
  readonly trainings?: readonly TrainingOutcome[]
  /** Black-box searches only: the queries of the oracle in order, the budget, and the simulated seconds spent. */
  readonly oracle?: {
    readonly budgetSeconds: number | null
    readonly usedSeconds: number
    /**
     * Number of all queries of the search, where `queries` has only those with a higher accuracy than all before, as in
     * records that were taken over from a compact report; absent: `queries` has all of them.
     */
    readonly evaluations?: number
    readonly queries: readonly RecordedQuery[]
  }
  /** Times of the run: the only part of the result that differs between two runs of the same job. */
  readonly timing: {
    readonly wallSeconds: number
    /**
     * Processor time of the run in seconds, over all threads and attempts; of jobs that run in one process at the same
     * time, each has an equal share. Absent for searches that are programs of their own, and in records of earlier
     * versions.
     */
    readonly processorSeconds?: number
    readonly startedAt: string
    readonly finishedAt: string
    /** Time of the search alone, if full trainings followed it. `trainings` has the time of each training. */
    readonly search?: SearchTime
    readonly trainings?: readonly TrainingTime[]
  }
}

/** `failure.json`: the error with which a run stopped. The run can be tried again. */
export interface FailureRecord {
  readonly schema: 1
  readonly id: string
  readonly epoch: number
  readonly message: string
}
