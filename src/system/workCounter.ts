/**
 * Counts steps of work, so that a watchdog thread can tell a long task from a stalled one. Code that reads files counts
 * each part that it has read. In processes without a watchdog, nothing is counted.
 */

let steps: Int32Array | undefined

/** Counts one step of work, such as a megabyte read or a record decoded. */
export function countWork(): void {
  if (steps !== undefined) Atomics.add(steps, 0, 1)
}

/** Starts counting steps of work, in the first element of an array in memory that is shared with the watchdog. */
export function countWorkIn(shared: Int32Array): void {
  steps = shared
}
