/** How a black-box search's answer got better. */

/**
 * The first answer, and every one that is better than all before it. Of answers after trainings of several lengths only
 * the longest count: accuracies of others are not comparable with them.
 */
export function improvements<T extends { readonly accuracyPct: number; readonly epochs?: number }>(
  queries: readonly T[],
): T[] {
  const longest = queries.reduce((most, { epochs = 0 }) => Math.max(most, epochs), 0)
  let best = Number.NEGATIVE_INFINITY
  return queries.filter(({ accuracyPct, epochs = 0 }) => {
    const better = epochs === longest && accuracyPct > best
    if (better) best = accuracyPct
    return better
  })
}
