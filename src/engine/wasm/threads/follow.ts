/** A list of calls, and one thread's way through it. */
import { isOff } from '../../plan/situation.ts'
import type { Kernels } from '../module/module.ts'
import type { PlainCall } from '../plan/program.ts'

/** A call ready to run. */
export interface BoundCall {
  readonly run: () => void
  readonly isShared: boolean
  /** Number of the activity flag that must be set; −1: none. */
  readonly condition: number
}

export const bindCalls = (kernels: Kernels, calls: readonly PlainCall[]): BoundCall[] =>
  calls.map(({ kernel, args, isShared, condition }) => ({
    run: kernels[kernel].bind(undefined, ...args),
    isShared,
    condition,
  }))

/** One of the threads that follow a list. */
export interface Follower {
  readonly isFirst: boolean
  /** Waits for the others to come as far. */
  meet(): void
}

/**
 * Runs this thread's part of a list. Threads meet between two calls of which one is shared, and at the end of the list:
 * nobody still reads the order or its flags when the first thread goes on to the next.
 *
 * @param flags which conditional calls run; absent: all. The same for all threads
 */
export function follow(calls: readonly BoundCall[], flags: Uint8Array | undefined, follower: Follower): void {
  let hasRun = false
  let lastIsShared = false
  for (const { run, isShared, condition } of calls) {
    if (isOff(flags, condition)) continue
    if (hasRun && (isShared || lastIsShared)) follower.meet()
    if (isShared || follower.isFirst) run()
    hasRun = true
    lastIsShared = isShared
  }
  follower.meet()
}

/** There are no others. */
export const alone: Follower = { isFirst: true, meet: () => {} }
