/** The contract of a search algorithm: a name, its options, and `search`. */
import type { z } from 'zod'
import type { SearchData } from './data.ts'
import type { Evaluator, Oracle } from './evaluation.ts'
import type { Matrix, Relaxation } from './mixing.ts'
import type { Network } from './network.ts'
import type { Headline, Protocol } from './protocol.ts'
import type { RandomStream } from './random.ts'
import type { Genotype, SearchSpace, SupernetOptions } from './space.ts'
import type { Supernet } from './supernet.ts'

export interface Algorithm<Options = unknown> {
  /** As typed after `--algo`: lower case, hyphens. */
  readonly name: string
  /** Raised whenever results change; part of a job's identity. */
  readonly version: number
  /** One line for `bench list algos`. */
  readonly description: string
  /** Paper and year. */
  readonly source: string
  /** `supernet`: trains a search network on images. `black-box`: asks the oracle. `reference`: a fixed row. */
  readonly kind: 'supernet' | 'black-box' | 'reference'
  /** Names of the spaces it works on; absent: all. */
  readonly spaces?: readonly string[]
  /** Options with defaults and a description each; parsed from `--option key=value` and configuration files. */
  readonly options: z.ZodType<Options>
  /** Settings of the protocol that do nothing here, as `stepOrder` or all of `architecture`, each with the reason. */
  readonly idle?: Readonly<Record<string, string>>
  /** Rules of the contract that it breaks on purpose, by name, each with the reason: as sigmoids, which sum to anything. */
  readonly exceptions?: Readonly<Record<string, string>>
  /**
   * Refuses, when a run is planned, what would make it fail or search nothing, so that no seed trains for hours first.
   * @throws BenchError `bad-input`, `unsupported` or `missing`
   */
  check?(planned: PlannedSearch, options: Options): void
  /** Prepares one search. Everything random comes from `context.random`. */
  search(context: SearchContext, options: Options): Promise<Search>
}

/** What is known of a search when it is planned. */
export interface PlannedSearch {
  readonly space: SearchSpace
  readonly protocol: Protocol
  /** Simulated seconds of a black-box search; absent: no limit. */
  readonly budgetSeconds?: number
  /** Of the table that answers are looked up in; absent where there is none. */
  readonly table?: { readonly name: string; readonly rows: number; readonly architectures: number | null }
  /**
   * A network as `SearchContext.supernet` would compile it, on images of the protocol's size; of three cells where three do.
   * @throws BenchError for options that do not go together, as a K that does not divide the channels
   */
  network(options?: Partial<SupernetOptions>): Network
  /** Lengths of training, in epochs, that the oracle can answer for. @throws BenchError where it cannot answer at all */
  fidelities(): readonly number[]
}

/** All that a search may touch. There are no test numbers in here. */
export interface SearchContext {
  readonly space: SearchSpace
  readonly protocol: Protocol
  readonly seed: number
  /** The stream of this name under this run's seed. The same path always starts at its beginning. */
  random(...path: readonly (string | number)[]): RandomStream
  /** Image batches; loaded at the first call. */
  data(): Promise<SearchData>
  /** Builds, compiles and initialises the space's search network; protocol values where options are absent. */
  supernet(options?: Partial<SupernetOptions>): Promise<Supernet>
  /** Validation accuracies of discrete architectures, on a simulated clock. */
  readonly oracle: Oracle
}

/**
 * What a reference row may see besides: every number of every architecture, test numbers included. It goes to algorithms of
 * kind `reference` alone, whose rows are marked as such.
 */
export interface ReferenceContext extends SearchContext {
  /** Absent where there is nothing to look up. */
  readonly evaluator?: Evaluator
  /** The numbers that are reported first. */
  readonly headline?: Headline
}

/** A search in progress. The runner calls `epoch` with 0, 1, … `epochs` − 1, or until `ended`, and may save between any two. */
export interface Search {
  readonly epochs: number
  /** Of a black-box search: most questions to the oracle, where that is known; progress is shown by it. */
  readonly evaluations?: number
  /** Present once the answer is final before all epochs are over: why, in words for the user. A restored search has it, too. */
  readonly ended?: string
  epoch(index: number): Promise<EpochReport>
  /** The architecture that the search would answer now. */
  genotype(): Genotype
  /** Everything that the remaining epochs depend on: plain data and typed arrays. */
  save(): Promise<SearchState>
  restore(state: SearchState): void | Promise<void>
  /** Present where architecture parameters exist: what probes (Hessian, range, alpha) read. */
  readonly relaxed?: RelaxedSearch
  dispose(): void
}

export interface RelaxedSearch {
  readonly relaxation: Relaxation
  readonly supernet: Supernet
  parameters(): Matrix
}

/** Plain data: what structured cloning keeps. */
export type SearchState = { readonly [key: string]: unknown }

export interface EpochReport {
  /** Mean over the epoch's weight steps. */
  readonly trainLoss?: number
  readonly trainAccuracyPct?: number
  /** On the architecture half, under the mixing of the moment. */
  readonly validLoss?: number
  readonly validAccuracyPct?: number
  /** Architecture parameters after the epoch. */
  readonly parameters?: Matrix
  /** Further numbers that the algorithm wants in `epochs.jsonl`, e.g. a temperature. */
  readonly extra?: Readonly<Record<string, number>>
}

/** Gives types to an algorithm's literal, nothing else. */
export const defineAlgorithm = <Options>(algorithm: Algorithm<Options>): Algorithm<Options> => algorithm

/** The same for a reference row, whose `search` sees what no search may. */
export const defineReference = <Options>(
  reference: Omit<Algorithm<Options>, 'kind' | 'search'> & {
    search(context: ReferenceContext, options: Options): Promise<Search>
  },
): Algorithm<Options> => ({ ...reference, kind: 'reference' })
