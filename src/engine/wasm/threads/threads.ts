/** The contract of a group of threads that share the kernel calls of a step. The calling thread is the first of them. */

import type { PlainCall } from '../plan/program.ts'
import type { BoundCall } from './follow.ts'

export interface Threads {
  readonly threads: number
  /** Whether a thread failed or hangs; it may still write to shared memory. */
  readonly isLost: boolean
  /** Sends the kernels and the memory of a plan to all threads. */
  announce(plan: NewPlan): ThreadedPlan
  /** Gives the group back; called once by each network that joined it. */
  leave(): void
}

/** The kernels of a plan and the memory they run on. */
export interface NewPlan {
  readonly module: WebAssembly.Module
  readonly memory: WebAssembly.Memory
  /** Activity flags of the current step, in shared memory. */
  readonly flags: Uint8Array
}

/** A plan that all threads have received. */
export interface ThreadedPlan {
  /** Sends a list of calls to all threads. → number of the list */
  addList(calls: readonly PlainCall[]): number
  /**
   * Runs a list on all threads and returns when it is done.
   *
   * @param calls the same list, bound to the kernels of the calling thread
   * @param flags the announced activity flags; absent: every call runs
   */
  run(list: number, calls: readonly BoundCall[], batch: number, flags: Uint8Array | undefined): void
  end(): void
}
