/** Measurements on a running search. A probe looks at the end of an epoch and never changes what the search does. */
import type { Search } from './algorithm.ts'
import type { SearchData } from './data.ts'
import type { Evaluator } from './evaluation.ts'
import type { Executor } from './executor.ts'
import type { Protocol } from './protocol.ts'
import type { RandomStream } from './random.ts'
import type { SearchSpace } from './space.ts'

export interface Probe {
  /** Key in `EpochRecord.probes`. */
  readonly name: string
  /**
   * Measures after epoch `index` (0-based). What comes back is plain JSON data, or undefined where this epoch is not
   * measured or the search has nothing that this probe reads.
   */
  epoch(index: number, search: Search, context: ProbeContext): Promise<unknown>
}

/** What a probe may read besides the search. Its random streams are its own, so measuring shifts no other number. */
export interface ProbeContext {
  readonly space: SearchSpace
  readonly protocol: Protocol
  /** Name of the dataset searched on, the key into `protocol.headline`; absent where no images are read. */
  readonly dataset?: string
  readonly executor: Executor
  /** Looked-up or trained numbers of any architecture; absent where there are none. */
  readonly evaluator?: Evaluator
  data(): Promise<SearchData>
  random(...path: readonly (string | number)[]): RandomStream
}
