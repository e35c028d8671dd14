/**
 * The contract of a group of threads that share the kernel calls of a step, and the way in which one of them runs its
 * part of a list of calls. The calling thread is the first of the group.
 */
import { isOff } from '../../plan/runInputs.ts'
import type { Kernels } from '../module/module.ts'
import type { PlainCall } from '../plan/program.ts'

/** A group of threads. */
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
  /** Sends a list of calls to all threads, and returns the number of the list. */
  addList(calls: readonly PlainCall[]): number
  /**
   * Runs a list on all threads and returns when it is done.
   *
   * @param calls the same list, bound to the kernels of the calling thread
   * @param flags the announced activity flags; absent: every call runs
   */
  run(list: number, calls: readonly BoundCall[], batch: number, flags: Uint8Array | undefined): void
  /** Makes the threads forget the plan. */
  end(): void
}

/** A kernel call with its arguments bound. */
export interface BoundCall {
  readonly run: () => void
  /** Whether all threads run the call, each on its part of the data; else only the first thread runs it. */
  readonly isShared: boolean
  /** Number of the activity flag that must be set; −1: the call always runs. */
  readonly condition: number
}

/** Returns calls with their arguments bound to one thread's kernels. */
export const bindCalls = (kernels: Kernels, calls: readonly PlainCall[]): BoundCall[] =>
  calls.map(({ kernel, args, isShared, condition }) => ({
    run: kernels[kernel].bind(undefined, ...args),
    isShared,
    condition,
  }))

/** One thread of the group, as `follow` needs it. */
export interface Follower {
  readonly isFirst: boolean
  /** Waits at the barrier of all threads. */
  wait(): void
}

/**
 * Runs one thread's part of a list. There is a barrier between two calls of which at least one is shared, and one at
 * the end of the list, so that no thread still reads the order or its flags when the first thread gives the next order.
 *
 * @param flags activity flags, the same for all threads; absent: every call runs
 */
export function follow(calls: readonly BoundCall[], flags: Uint8Array | undefined, follower: Follower): void {
  let hasRun = false
  let lastIsShared = false
  for (const { run, isShared, condition } of calls) {
    if (isOff(flags, condition)) continue
    if (hasRun && (isShared || lastIsShared)) follower.wait()
    if (isShared || follower.isFirst) run()
    hasRun = true
    lastIsShared = isShared
  }
  follower.wait()
}

/** The calling thread when a step has no other threads. */
export const singleThread: Follower = { isFirst: true, wait: () => {} }
