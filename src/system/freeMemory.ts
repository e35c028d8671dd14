/**
 * Asks V8 to collect garbage between two large computations. By itself it lets the heap grow to several times what is
 * in use.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { once } from '../core/onceEach.ts'

/** Heap size in bytes from which a collection, of about 0.3 s, is worth its time. */
const LARGE_HEAP = 400e6

/** Returns V8's function that collects garbage, which scripts see only after this flag is set. */
const collector = once((): (() => void) => {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc')
})

/** Collects garbage if the heap has more than so many bytes in use, garbage included. */
export function freeMemory(largeHeap = LARGE_HEAP): void {
  if (process.memoryUsage().heapUsed > largeHeap) collector()()
}
