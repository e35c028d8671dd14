/** The groups of filters of a network, where their partial sums wait, and the records that kernels read. */
import type { ValueId } from '../../../../core/network.ts'
import type { Filter } from '../../../graph/graph.ts'
import { offsetsOf } from '../../../offsets.ts'
import { FILTER_FIELDS, type FilterRecord } from '../../kernels/filter.ts'
import type { FilterSite } from './filterCuts.ts'
import type { GroupDraft } from './filterDrafts.ts'
import { type GroupSketch, type Placing, sketchGroup } from './filterSketch.ts'

export interface PlacedFilter extends FilterSite {
  readonly record: FilterRecord
}

/** Filters whose records follow each other. */
export interface FilterRun {
  /** Number of the first, among all filters of the network. */
  readonly first: number
  readonly filters: readonly PlacedFilter[]
}

/** Filters whose partial sums wait for each other: as many as the way back comes to one after the other. */
export interface WaitingFilters extends FilterRun {
  readonly bytes: number
}

/** Filters that dispatches take together; their outputs are parts of one buffer. */
export interface FilterGroup extends FilterRun {
  readonly kind: Filter['kind']
  readonly relu: boolean
  /** Whether each reads a value of its own, which is part of one buffer; or all the same. */
  readonly parallel: boolean
  /** What each reads. */
  readonly inputs: readonly ValueId[]
  /** Numbers of the operations that they are of. */
  readonly operations: readonly number[]
  /**
   * The nodes from whose gradients those wrt the outputs are made, those together whose gradients are parts of one
   * buffer; none where the gradients wrt the outputs are stored.
   */
  readonly gradientSources: readonly (readonly ValueId[])[]
  /** Where its partial sums begin among those that wait, and how long they are, in bytes. */
  readonly chunks: { readonly offset: number; readonly bytes: number }
  readonly waiting: WaitingFilters
}

export interface FilterPlaces {
  /** In the order in which they run. */
  readonly groups: readonly FilterGroup[]
  /** The records of all filters. */
  readonly words: readonly number[]
}

/** Partial sums wait until there are so many bytes of them. */
const MOST_WAITING = 2 ** 26

export function placeFilters(placing: Placing, drafts: readonly GroupDraft[]): FilterPlaces {
  const groups: FilterGroup[] = []
  let first = 0
  for (const run of runsThatWait(drafts.map((draft) => sketchGroup(placing, draft)))) {
    const placed = placeRun(run, first)
    groups.push(...placed)
    first += placed[0].waiting.filters.length
  }
  const filters = groups.flatMap((group) => group.filters)
  return { groups, words: filters.flatMap(({ record }) => FILTER_FIELDS.map((name) => record[name])) }
}

/** @param first number of the run's first filter */
function placeRun(run: readonly GroupSketch[], first: number): FilterGroup[] {
  const bytes = run.map(chunkBytes)
  const offsets = offsetsOf(bytes)
  const numbers = offsetsOf(run.map(({ filters }) => filters.length))
  const placed = run.map(({ filters }, i) => {
    const chunks = offsetsOf(filters.map((filter) => filter.chunkBytes))
    return filters.map(({ record, chunkBytes, ...site }, j): PlacedFilter => {
      return { ...site, record: { ...record, chunks: chunks[j] / 16, groupChunks: offsets[i] / 16 } }
    })
  })
  const waiting = { first, filters: placed.flat(), bytes: bytes.reduce((sum, own) => sum + own, 0) }
  return run.map(({ kind, parallel, members, gradientSources }, i) => ({
    ...{ kind, parallel, gradientSources, waiting, relu: members[0].convolution.relu },
    inputs: members.map(({ convolution }) => convolution.input),
    operations: members.map(({ index }) => index),
    first: first + numbers[i],
    filters: placed[i],
    chunks: { offset: offsets[i], bytes: bytes[i] },
  }))
}

const chunkBytes = ({ filters }: GroupSketch) => filters.reduce((sum, filter) => sum + filter.chunkBytes, 0)

/** Neighbours, of whom as many share a run as may wait on the way back. */
function runsThatWait(groups: readonly GroupSketch[]): GroupSketch[][] {
  const runs: GroupSketch[][] = []
  let waiting = Number.POSITIVE_INFINITY
  for (const group of groups.toReversed()) {
    waiting += chunkBytes(group)
    if (waiting > MOST_WAITING) {
      runs.unshift([])
      waiting = chunkBytes(group)
    }
    runs[0].unshift(group)
  }
  return runs
}
