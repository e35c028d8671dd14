/** Kernels over several terms: groups of what one dispatch can bind, under numbered names. */
import type { Argument } from '../plan/program.ts'
import type { Storage } from '../plan/storage.ts'

/** Kernels are made for so many terms; more of them would not make a pass faster. */
const ARITIES = [1, 2, 4, 8] as const

/** Of the kernel that takes so many terms. */
export const arityFor = (count: number): number => ARITIES.find((arity) => arity >= count) ?? count

/** The first item again where there are fewer than the kernel has room for: bound, but not read. */
export const padTo = <T>(items: readonly T[], arity: number): T[] =>
  Array.from({ length: arity }, (_, i) => items[i] ?? items[0])

/** Runs of neighbours of as many as there is room and bindings for. */
export function inGroups<T>(items: readonly T[], bindings: number): T[][] {
  const largest = ARITIES.findLast((arity) => arity <= bindings) ?? 1
  const count = Math.ceil(items.length / largest)
  return Array.from({ length: count }, (_, i) => items.slice(i * largest, (i + 1) * largest))
}

/** `name0`, `name1`, … of those items that have one. */
export function numberedBuffers<T>(
  name: string,
  items: readonly T[],
  bufferOf: (item: T) => Storage,
  has: (item: T) => boolean = () => true,
): Readonly<Record<string, Storage>> {
  return Object.fromEntries(items.flatMap((item, i) => (has(item) ? [[`${name}${i}`, bufferOf(item)]] : [])))
}

export function numberedArgs<T, A extends Argument>(
  name: string,
  items: readonly T[],
  numberOf: (item: T, i: number) => A,
): Readonly<Record<string, A>> {
  return Object.fromEntries(items.map((item, i) => [`${name}${i}`, numberOf(item, i)]))
}

/** Runs of neighbours of at most `size`, in which no key comes twice. */
export function chunksOf<T>(items: readonly T[], size: number, keyOf: (item: T) => unknown = (item) => item): T[][] {
  const runs: T[][] = []
  for (const item of items) {
    const run = runs.at(-1)
    const joins = run !== undefined && run.length < size && run.every((other) => keyOf(other) !== keyOf(item))
    if (joins) run.push(item)
    else runs.push([item])
  }
  return runs
}
