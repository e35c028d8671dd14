/** Lists without repetitions, and lists grouped by a key. */

/** Returns the different items, in the order in which each first occurs. */
export const distinct = <T>(items: Iterable<T>): T[] => [...new Set(items)]

/** Returns the items of each key; keys and items keep the order in which they occur. */
export function groupBy<T, K>(items: Iterable<T>, keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>()
  for (const item of items) {
    const key = keyOf(item)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [item])
    else group.push(item)
  }
  return groups
}
