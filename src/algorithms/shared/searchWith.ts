/** Replaces some members of a search. Stages that are added to any search (early stopping, selection) use it. */
import type { RelaxedSearch, Search } from '../../core/algorithm.ts'

/** A search with a supernet and architecture parameters. */
export type SearchWithAlpha = Search & { readonly relaxed: RelaxedSearch }

/**
 * Returns a search that does what `search` does, except for the given members. `ended` and `relaxed` are read at each
 * use, because they change while a search goes on.
 */
export function searchWith(search: SearchWithAlpha, members: Partial<Search>): SearchWithAlpha {
  const result: SearchWithAlpha = {
    epochs: search.epochs,
    ...(search.scheduleEpoch && { scheduleEpoch: (index: number) => search.scheduleEpoch?.(index) ?? index }),
    get ended() {
      return search.ended
    },
    epoch: (index) => search.epoch(index),
    genotype: () => search.genotype(),
    save: () => search.save(),
    restore: (state) => search.restore(state),
    get relaxed() {
      return search.relaxed
    },
    dispose: () => search.dispose(),
  }
  return Object.defineProperties(result, Object.getOwnPropertyDescriptors(members))
}
