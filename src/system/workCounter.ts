/**
 * Counts steps of work, so that a watchdog can tell a long task from one that hangs. Readers of files count each part
 * that they have read; nothing is counted in a process that nobody watches.
 */

let steps: Int32Array | undefined

/** Called after every piece of work that surely ends, such as a megabyte read or a record decoded. */
export function countWork(): void {
  if (steps !== undefined) Atomics.add(steps, 0, 1)
}

/** From here on, work is counted in the first element of shared memory. */
export function countWorkIn(shared: Int32Array): void {
  steps = shared
}
