/**
 * The interface of a group of threads that share the kernel calls of a training step, and the function by which a
 * thread runs its part of a list of calls. The main thread is the first of the group.
 */
import { isOff } from '../../plan/runInputs.ts'
import type { Kernels } from '../module/module.ts'
import type { PlainCall } from '../plan/program.ts'

/** A group of threads that share the kernel calls of a training step; the main thread is the first of them. */
export interface Threads {
  readonly threads: number
  /** Whether a thread of the group failed or hangs; it may still write to shared memory. */
  readonly isLost: boolean
  /** Sends the kernels and the memory of a newly compiled network to all threads of the group. */
  announce(plan: NewPlan): ThreadedPlan
  /**
   * Leaves the group. Each compiled network that joined the group calls this once; the group ends with the last call.
   */
  leave(): void
}

/** The kernels and the memory of a newly compiled network, as they are sent to the threads. */
export interface NewPlan {
  readonly module: WebAssembly.Module
  readonly memory: WebAssembly.Memory
  /** Activity flags of the current step, in memory that the threads share. */
  readonly flags: Uint8Array
}

/** A compiled network whose kernels and memory all threads of the group have received. */
export interface ThreadedPlan {
  /** Sends a list of kernel calls to all threads, and returns the number by which `run` names the list. */
  addList(calls: readonly PlainCall[]): number
  /**
   * Runs a list of kernel calls on all threads and returns when all are done.
   *
   * @param calls the same list, bound to the kernels of the calling thread
   * @param flags the announced activity flags; absent: every call runs
   */
  run(list: number, calls: readonly BoundCall[], batch: number, flags: Uint8Array | undefined): void
  /** Makes the threads forget the compiled network, so that its memory can be reused. */
  end(): void
}

/** A kernel call with its arguments bound, ready to be run by one thread. */
export interface BoundCall {
  readonly run: () => void
  /** Whether all threads run the call, each on its part of the data; else only the first thread runs it. */
  readonly isShared: boolean
  /** Position, in the activity flags, of the flag that must be set for the call to run; −1: the call always runs. */
  readonly condition: number
}

/** Returns kernel calls with their arguments bound to the kernels of one thread. */
export const bindCalls = (kernels: Kernels, calls: readonly PlainCall[]): BoundCall[] =>
  calls.map(({ kernel, args, isShared, condition }) => ({
    run: kernels[kernel].bind(undefined, ...args),
    isShared,
    condition,
  }))

/**
 * What `follow` needs to know of its thread: whether the thread is the first of its group, and how it waits for the
 * others.
 */
export interface Follower {
  readonly isFirst: boolean
  /** Waits at the barrier until all threads of the group have arrived there. */
  wait(): void
}

/**
 * Runs one thread's part of a list of kernel calls. All threads wait for each other between two calls if one of these
 * is shared, and at the end of the list, so that no thread still reads the activity flags or the order to run this list
 * when the first thread writes the next ones.
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

/** The only thread of a step that is not shared: it runs every call and never waits. */
export const singleThread: Follower = { isFirst: true, wait: () => {} }
