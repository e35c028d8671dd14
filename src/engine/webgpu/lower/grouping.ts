/**
 * Splits lists of terms (summands of a node) or inputs into groups whose buffers one dispatch can bind, and names the
 * buffers and arguments of a group: `value0`, `value1`, ….
 */
import type { Argument } from '../plan/program.ts'
import type { Storage } from '../plan/storage.ts'

/**
 * The term counts (summands of a node) for which kernels exist; a smaller group is padded to the next of these counts.
 */
const ARITIES = [1, 2, 4, 8] as const

/** Returns the smallest number of terms (summands of a node), at least `count`, for which a kernel exists. */
export const arityFor = (count: number): number => ARITIES.find((arity) => arity >= count) ?? count

/**
 * Returns a group filled up to `arity` items with copies of its first item; kernels bind the copies but do not read
 * them.
 */
export const padTo = <T>(items: readonly T[], arity: number): T[] =>
  Array.from({ length: arity }, (_, i) => items[i] ?? items[0])

/**
 * Splits items into groups of neighbours, each for one dispatch and as large as kernels exist for (`ARITIES`).
 * @param bindings number of items whose buffers one dispatch can bind
 */
export function inGroups<T>(items: readonly T[], bindings: number): T[][] {
  const largest = ARITIES.findLast((arity) => arity <= bindings) ?? 1
  const count = Math.ceil(items.length / largest)
  return Array.from({ length: count }, (_, i) => items.slice(i * largest, (i + 1) * largest))
}

/**
 * Returns an object with the buffer of each item under the names `name0`, `name1`, …; leaves out items for which `has`
 * is false.
 */
export function numberedBuffers<T>(
  name: string,
  items: readonly T[],
  bufferOf: (item: T) => Storage,
  has: (item: T) => boolean = () => true,
): Readonly<Record<string, Storage>> {
  return Object.fromEntries(items.flatMap((item, i) => (has(item) ? [[`${name}${i}`, bufferOf(item)]] : [])))
}

/** Returns an object with one kernel argument for each item, under the names `name0`, `name1`, …. */
export function numberedArgs<T, A extends Argument>(
  name: string,
  items: readonly T[],
  numberOf: (item: T, i: number) => A,
): Readonly<Record<string, A>> {
  return Object.fromEntries(items.map((item, i) => [`${name}${i}`, numberOf(item, i)]))
}

/** Splits items into groups of at most `size` neighbours; no two items of a group have the same key (`keyOf`). */
export function chunksOf<T>(items: readonly T[], size: number, keyOf: (item: T) => unknown = (item) => item): T[][] {
  const groups: T[][] = []
  for (const item of items) {
    const group = groups.at(-1)
    const joins = group !== undefined && group.length < size && group.every((other) => keyOf(other) !== keyOf(item))
    if (joins) group.push(item)
    else groups.push([item])
  }
  return groups
}
