/**
 * Decides which groups of filters share the dispatch that adds up the partial sums of their gradients.
 *
 * Partial sums wait in one buffer of at most 64 MB until a dispatch of `sumPartials` adds up all that is in it: a
 * *summation*. Groups that follow each other share a summation as long as their partial sums fit.
 */
import { offsetsOf } from '../../graph/graph.ts'
import { sumWorkgroups } from '../kernels/filterGradient.ts'
import type { GradientChunks, SizedFilter } from './workgroups.ts'

/** A dispatch that adds up the partial sums of the gradients of many filters. */
export interface Summation {
  /** Index of the summation's first filter among all filters of the network. */
  readonly first: number
  readonly filterCount: number
  /** Number of workgroups that the dispatch needs for the largest filter. */
  readonly workgroups: number
  /** Size in bytes of the buffer with all partial sums that the summation adds up. */
  readonly bytes: number
}

/** The place of a group of filters in its summation. */
export interface SharedSummation {
  /** Index of the group's first filter among all filters of the network. */
  readonly first: number
  /** Offset and length, in bytes, of the group's partial sums of filter gradients in the buffer of its summation. */
  readonly partials: { readonly offset: number; readonly bytes: number }
  readonly summation: Summation
}

/** What this file needs of a group of filters. */
interface SummedGroup {
  readonly filters: readonly (SizedFilter & { readonly chunks: GradientChunks })[]
  readonly partialBytes: number
}

/** The most bytes of partial sums of filter gradients that one dispatch of `sumPartials` adds up. */
const MOST_WAITING = 2 ** 26

/** Returns for each group of filters, in their order, the place of its partial sums, and the summation it shares. */
export function shareSummations(groups: readonly SummedGroup[]): SharedSummation[] {
  let first = 0
  return waitingTogether(groups).flatMap((waiting) => {
    const filters = waiting.flatMap((group) => group.filters)
    const workgroups = filters.map(({ chunks, output }) => sumWorkgroups(chunks.rows, output.quads, chunks.lanes))
    const sizes = waiting.map(({ partialBytes }) => partialBytes)
    const offsets = offsetsOf(sizes)
    const numbers = offsetsOf(waiting.map((group) => group.filters.length))
    const bytes = sizes.reduce((total, size) => total + size, 0)
    const summation = { first, filterCount: filters.length, workgroups: Math.max(...workgroups), bytes }
    first += filters.length
    return waiting.map(({ partialBytes }, i) => {
      const partials = { offset: offsets[i], bytes: partialBytes }
      return { first: summation.first + numbers[i], partials, summation }
    })
  })
}

/**
 * Divides the groups into sequences of neighbours whose partial sums fit into one buffer (`MOST_WAITING`). It fills the
 * buffers from the last group on, as the backward pass does, so that only the buffer of the first groups may be small.
 */
function waitingTogether(groups: readonly SummedGroup[]): SummedGroup[][] {
  const runs: SummedGroup[][] = []
  let waiting = Number.POSITIVE_INFINITY
  for (const group of groups.toReversed()) {
    waiting += group.partialBytes
    if (waiting > MOST_WAITING) {
      runs.unshift([])
      waiting = group.partialBytes
    }
    runs[0].unshift(group)
  }
  return runs
}
