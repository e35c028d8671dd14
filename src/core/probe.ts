/** The contract of a probe: a measurement of the search at the end of an epoch, which never changes the search. */
import type { Search } from './algorithm.ts'
import type { SearchData } from './data.ts'
import type { Evaluator } from './evaluation.ts'
import type { Executor } from './executor.ts'
import type { Protocol } from './protocol.ts'
import type { RandomStream } from './random.ts'
import type { SearchSpace } from './space.ts'

export interface Probe {
  /** Name of the probe, under which an epoch record stores what it measured. */
  readonly name: string
  /**
   * Measures the search after epoch `index` (0-based). Returns plain JSON data, or undefined if this epoch is not
   * measured or the search does not have what the probe reads.
   */
  epoch(index: number, search: Search, context: ProbeContext): Promise<unknown>
}

/** What a probe may read besides the search. A probe has its own random streams, so measuring changes no search. */
export interface ProbeContext {
  readonly space: SearchSpace
  readonly protocol: Protocol
  /**
   * Name of the dataset on which the search trains, a key of `protocol.headline`; absent if the search reads no images.
   */
  readonly dataset?: string
  readonly executor: Executor
  /** Gives final metrics of any architecture; absent if the job has neither a table nor a full training. */
  readonly evaluator?: Evaluator
  data(): Promise<SearchData>
  random(...path: readonly (string | number)[]): RandomStream
}
