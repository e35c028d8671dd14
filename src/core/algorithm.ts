/**
 * The contract of a search algorithm: its description, its options, what a search may use, and what the runner calls.
 */
import type { z } from 'zod'
import type { SearchData } from './data.ts'
import type { Evaluator, Oracle } from './evaluation.ts'
import type { Matrix, Relaxation } from './mixing.ts'
import type { Network } from './network.ts'
import type { Headline, Protocol } from './protocol.ts'
import type { RandomStream } from './random.ts'
import type { Genotype, SearchSpace, SupernetOptions } from './space.ts'
import type { Supernet } from './supernet.ts'

/**
 * How an algorithm is drawn in figures (colour, dash and marker): the same in every figure, and unlike every other
 * built-in algorithm.
 */
export interface AlgorithmLook {
  readonly colour: 'blue' | 'vermilion' | 'green' | 'purple' | 'orange' | 'sky' | 'olive' | 'grey'
  readonly dash: 'solid' | 'dashed' | 'dotted' | 'dashDotted' | 'longDashed' | 'dashDotDotted' | 'wideDotted'
  readonly marker: 'circle' | 'rect' | 'triangle' | 'rectRot' | 'crossRot' | 'cross' | 'star'
}

export interface Algorithm<Options = unknown> {
  /** Name of the algorithm, as given to `--algo`: lower case with hyphens. */
  readonly name: string
  /** Version of the algorithm, part of the identity of its jobs: raise it with every change that changes results. */
  readonly version: number
  /** Description of the algorithm in one line, for `bench list algos`. */
  readonly description: string
  /** Paper that published the algorithm, with its year, for lists and reports. */
  readonly source: string
  /**
   * `supernet`: trains a search network on images. `black-box`: queries validation accuracies of architectures from the
   * oracle. `reference`: searches nothing and gives a row to compare with, such as the best architecture of the table.
   */
  readonly kind: 'supernet' | 'black-box' | 'reference'
  /**
   * How a built-in algorithm is drawn in figures; absent: the figure chooses a look that no other algorithm in the
   * figure has.
   */
  readonly look?: AlgorithmLook
  /** Names of the search spaces that the algorithm works on; absent: all spaces. */
  readonly spaces?: readonly string[]
  /**
   * Schema of the algorithm's options, each with a default and a description; it parses `--option key=value` and the
   * options in experiment files.
   */
  readonly options: z.ZodType<Options>
  /**
   * The external program that runs the search, such as a Python script; absent if the search runs in this process. The
   * search then uses `SearchContext.program`.
   */
  readonly program?: ProgramMethod
  /**
   * Protocol settings that this algorithm ignores, such as `stepOrder` or all of `architecture`, each with the reason.
   */
  readonly idle?: Readonly<Record<string, string>>
  /** Returns further protocol settings that this algorithm ignores under the given options, each with the reason. */
  idleUnder?(options: Options, protocol: Protocol): Readonly<Record<string, string | undefined>>
  /**
   * Protocol settings that an algorithm without a supernet reads all the same, such as the size of the networks that it
   * scores.
   */
  readonly reads?: readonly string[]
  /**
   * Rules of `bench check plugin` that the algorithm breaks on purpose: name of the rule → reason. Sigmoid weights, for
   * example, need not sum to 1.
   */
  readonly exceptions?: Readonly<Record<string, string>>
  /**
   * Checks a planned search before any seed starts, so that a search that must fail is refused before hours of
   * training.
   * @throws BenchError `bad-input`, `unsupported` or `missing`
   */
  check?(planned: PlannedSearch, options: Options): void
  /** Prepares one search. All its random numbers must come from `context.random`, so that a run can be repeated. */
  search(context: SearchContext, options: Options): Promise<Search>
}

/** The external program that runs the searches of an algorithm, such as a Python script. */
export interface ProgramMethod {
  /**
   * Interpreter of the program with its version, such as `Python 3.11.7`, for the records of runs; absent if unknown.
   */
  readonly interpreter?: string
  /**
   * Starts a search and closes the standard input of its program. Some seconds later, returns a description of the
   * processes that still run; undefined if there are none.
   */
  afterClosedInput(context: SearchContext, options: unknown): Promise<string | undefined>
}

/** A search before it starts, as far as `Algorithm.check` may examine it. */
export interface PlannedSearch {
  readonly space: SearchSpace
  readonly protocol: Protocol
  /**
   * Number of weight steps in an epoch on the weight half, at most; absent if the protocol does not limit the images,
   * whose number is not known before the search.
   */
  readonly mostSteps?: number
  /** Budget of a black-box search in simulated seconds; absent: no limit. */
  readonly budgetSeconds?: number
  /** The table of precomputed results in which found architectures are looked up; absent if the search uses none. */
  readonly table?: { readonly name: string; readonly rows: number; readonly architectures: number | null }
  /**
   * Builds the network that `SearchContext.supernet` would compile, with fewer cells if they suffice for the check.
   * @throws BenchError for options that do not fit together, such as partial channels 1/k whose k does not divide the
   * number of channels
   */
  network(options?: Partial<SupernetOptions>): Network
  /**
   * Returns the lengths of training, in epochs, after which the oracle knows validation accuracies.
   * @throws BenchError if the table has no oracle
   */
  fidelities(): readonly number[]
}

/** Everything that a search may use. It contains no test accuracies. */
export interface SearchContext {
  readonly space: SearchSpace
  readonly protocol: Protocol
  readonly seed: number
  /** Returns the random stream that this path names under the seed of the run, at its beginning. */
  random(...path: readonly (string | number)[]): RandomStream
  /** Returns the image batches of the search; the images are loaded at the first call. */
  data(): Promise<SearchData>
  /**
   * Builds, compiles and initialises the space's search network; absent options take the protocol's values.
   * @param dropProbability returns the current probability with which a path of a drop-path layer is dropped for a
   * sample; absent: that of the protocol's `network.dropPath` in this epoch
   */
  supernet(options?: Partial<SupernetOptions>, dropProbability?: () => number): Promise<Supernet>
  /** Answers queries for the validation accuracy of an architecture, and charges the cost to a simulated clock. */
  readonly oracle: Oracle
  /** Services for a search that an external program runs; absent for all other searches. */
  readonly program?: ProgramServices
}

/** Paths of the NumPy files with the images of one half of a search's training set. */
export interface ProgramImageFiles {
  /** Path of the file with the intensities 0 … 255, uint8 [images, height, width, channels]. */
  readonly images: string
  /** Path of the file with the class of each image, int32 [images]. */
  readonly labels: string
  /** Path of the file with the index of each image in the training or test set (see `from`), int32 [images]. */
  readonly indices: string
  readonly from: 'train' | 'test'
}

/** The training images of a search in files, for the external program that runs it. */
export interface ProgramImages {
  /** Files of the weight half: the images for steps on the network weights w. */
  readonly weights: ProgramImageFiles
  /** Files of the architecture half: the images for steps on the architecture parameters α. */
  readonly architecture: ProgramImageFiles
  /** Mean of each image channel, for intensities scaled to 0 … 1. */
  readonly mean: readonly number[]
  readonly std: readonly number[]
  readonly classes: number
}

/** Services of the runner for a search that an external program runs. */
export interface ProgramServices {
  /** Folder for the files of the program, empty at first. It is deleted when the search ends. */
  readonly folder: string
  /** File to which the program's error output is appended; absent: it is not kept. */
  readonly log?: string
  /** Dataset on which the search trains. */
  readonly dataset: string
  /** Number of threads that the program may use; absent: as many as it likes. */
  readonly threads?: number
  /** Folder of the dataset's image files; absent for built-in images. */
  readonly imageFolder?: string
  /** Writes the images of the search as NumPy files to `folder`, and returns their paths. */
  images(): Promise<ProgramImages>
  /** Called with the identity of the processes of a started program, so that a later command can end leftover ones. */
  onStart?(identity: unknown): void
  /** Called with every message, as a line of text, that is sent to the program or received from it. */
  onMessage?(direction: 'to' | 'from', line: string): void
}

/**
 * The context of algorithms of kind `reference`, which may see all metrics of all architectures, test accuracies
 * included. Tables mark their rows as references.
 */
export interface ReferenceContext extends SearchContext {
  /** Gives the final metrics of any architecture; absent if the job uses no table. */
  readonly evaluator?: Evaluator
  /**
   * The benchmark table's columns (validation and test) that are reported for the searched dataset; absent: none are.
   */
  readonly headline?: Headline
}

/**
 * A running search. The runner calls `epoch` with 0, 1, … `epochs` − 1, or until `ended` is set, and may save between
 * epochs.
 */
export interface Search {
  readonly epochs: number
  /** Largest number of oracle queries of a black-box search, if known; used to show progress. */
  readonly evaluations?: number
  /**
   * Reason, in words for the user, why the search is over before its last epoch; absent while it goes on. A checkpoint
   * restores it.
   */
  readonly ended?: string
  /** False if the search cannot be saved: an interrupted run then starts again. Absent: true. */
  readonly saves?: boolean
  epoch(index: number): Promise<EpochReport>
  /**
   * Returns the epoch of the protocol's growing settings (drop path, cutout) in epoch `index` of this search; absent:
   * `index` itself. A search that goes through the protocol's epochs several times has it.
   */
  scheduleEpoch?(index: number): number
  /** Returns the architecture that the search would give as its result now. */
  genotype(): Genotype
  /**
   * Returns the state of the search: everything that its remaining epochs depend on, as plain data and typed arrays.
   */
  save(): Promise<SearchState>
  restore(state: SearchState): void | Promise<void>
  /**
   * Architecture parameters and network of the search, read by probes (`hessian`, `range`, `alpha`); absent in
   * black-box searches.
   */
  readonly relaxed?: RelaxedSearch
  dispose(): void
}

export interface RelaxedSearch {
  readonly relaxation: Relaxation
  readonly supernet: Supernet
  parameters(): Matrix
}

/** State of a search in a checkpoint: data that the structured clone algorithm can copy. */
export type SearchState = { readonly [key: string]: unknown }

export interface EpochReport {
  /** Mean training loss over the weight steps of the epoch. */
  readonly trainLoss?: number
  readonly trainAccuracyPct?: number
  /** Loss on the architecture half, under the mixing weights after the epoch. */
  readonly validLoss?: number
  readonly validAccuracyPct?: number
  /**
   * Value of the protocol's metric on validation images, in %, if the algorithm measures it; absent: the runner
   * measures it under the mixing weights after the epoch, if the search has `relaxed`.
   */
  readonly validMetricPct?: number
  /** Architecture parameters α after the epoch. */
  readonly parameters?: Matrix
  /** Further numbers that the algorithm records in `epochs.jsonl` for the epoch, such as a temperature. */
  readonly extra?: Readonly<Record<string, number>>
  /**
   * Measurements that the search made itself: the name of a probe (as `hessian`) → a record in the form of that probe.
   */
  readonly probes?: Readonly<Record<string, unknown>>
}

/**
 * Returns the definition of an algorithm unchanged. Its only use is that TypeScript checks the types of the definition,
 * and infers those left out.
 */
export const defineAlgorithm = <Options>(algorithm: Algorithm<Options>): Algorithm<Options> => algorithm

/** Defines an algorithm of kind `reference`, whose `search` gets a ReferenceContext. */
export const defineReference = <Options>(
  reference: Omit<Algorithm<Options>, 'kind' | 'search'> & {
    search(context: ReferenceContext, options: Options): Promise<Search>
  },
): Algorithm<Options> => ({ ...reference, kind: 'reference' })
