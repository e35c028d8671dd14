/** Runs a list of kernel calls on one of several threads, with a barrier wherever one call reads what another wrote. */
import { isOff } from '../../plan/situation.ts'
import type { Kernels } from '../module/module.ts'
import type { PlainCall } from '../plan/program.ts'

/** A kernel call with its arguments bound. */
export interface BoundCall {
  readonly run: () => void
  /** Whether all threads run the call, each on its part of the data; else only the first thread runs it. */
  readonly isShared: boolean
  /** Number of the activity flag that must be set; −1: the call always runs. */
  readonly condition: number
}

export const bindCalls = (kernels: Kernels, calls: readonly PlainCall[]): BoundCall[] =>
  calls.map(({ kernel, args, isShared, condition }) => ({
    run: kernels[kernel].bind(undefined, ...args),
    isShared,
    condition,
  }))

/** A thread as `follow` sees it. */
export interface Follower {
  readonly isFirst: boolean
  /** Waits at the barrier of all threads. */
  wait(): void
}

/**
 * Runs one thread's part of a list. There is a barrier between two calls of which at least one is shared, and one at the
 * end of the list, so that no thread still reads the order or its flags when the first thread gives the next order.
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

/** The only thread of a step that is not shared. */
export const singleThread: Follower = { isFirst: true, wait: () => {} }
