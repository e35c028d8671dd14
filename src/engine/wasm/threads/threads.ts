/** A crew: threads that do a step together, each its share of the calls. The host's thread is the first of them. */

import type { PlainCall } from '../plan/program.ts'
import type { BoundCall } from './follow.ts'

export interface Threads {
  readonly threads: number
  /** Whether a thread was given up, which may still be writing. */
  readonly isLost: boolean
  /** Tells the crew of a plan. */
  announce(plan: NewPlan): ThreadedPlan
  /** To be called once by everyone who joined. */
  leave(): void
}

/** What the kernels of a plan run on. */
export interface NewPlan {
  readonly module: WebAssembly.Module
  readonly memory: WebAssembly.Memory
  /** Which conditional calls run, where paths are switched off. */
  readonly flags: Uint8Array
}

/** A plan that the crew knows. */
export interface ThreadedPlan {
  /** → its number */
  addList(calls: readonly PlainCall[]): number
  /**
   * @param calls the list, bound to the host's kernels
   * @param flags those that were announced, or absent: all calls run
   */
  run(list: number, calls: readonly BoundCall[], batch: number, flags: Uint8Array | undefined): void
  end(): void
}
