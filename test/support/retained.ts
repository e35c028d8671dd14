/** The memory that a process keeps, apart from what the next garbage collection frees. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/**
 * Number of damaged copies after which a fuzz test collects garbage: else what V8 collects late adds up over thousands
 * of copies, and hides the memory that a single copy takes.
 */
export const COPIES_BETWEEN_COLLECTIONS = 500

/** What reading thousands of damaged copies may leave in memory, such as compiled code and caches with an upper limit. */
export const MOST_KEPT_MB = 100

/**
 * Ends the present turn of the event loop. Canvases and other objects of native libraries are freed only between two
 * turns, and a test that awaits nothing else than finished promises never gets there.
 */
export const endOfTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

let collect: (() => void) | undefined

/**
 * Collects all garbage, and returns the memory that is still in use in MB: JavaScript's objects, and buffers outside
 * of its heap.
 */
export function retainedMb(): number {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc')
    collect = runInNewContext('gc') as () => void
  }
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return (heapUsed + external) / 2 ** 20
}
