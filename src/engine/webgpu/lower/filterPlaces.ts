/** Which filters a dispatch takes together, where their outputs and partial sums stand, and the records that kernels read. */
import type { ValueId } from '../../../core/network.ts'
import type { Filter } from '../../graph/graph.ts'
import { FILTER_FIELDS, type FilterRecord } from '../kernels/filter.ts'
import type { FilterSite } from './filterCuts.ts'
import { type GroupSketch, type Placing, sketchGroups } from './filterSketch.ts'

export interface PlacedFilter extends FilterSite {
  readonly record: FilterRecord
}

/** Filters whose records follow each other. */
export interface FilterRun {
  /** Number of the first, among all filters of the network. */
  readonly first: number
  readonly filters: readonly PlacedFilter[]
  /** Of what they leave: outputs, or partial sums. */
  readonly bytes: number
}

/** Of one convolution and one kind: dispatches take them together, and their outputs are parts of one buffer. */
export interface FilterGroup extends FilterRun {
  readonly kind: Filter['kind']
  /** The nodes from whose gradients those wrt the outputs are made; none where these are stored. */
  readonly givers: readonly ValueId[]
  /** Where its partial sums begin among those that wait, and how long they are, in bytes. */
  readonly chunks: { readonly offset: number; readonly bytes: number }
}

/** How the filters of a convolution are taken. */
export interface ConvolutionPlaces {
  readonly groups: readonly FilterGroup[]
  /** Filters, of this convolution and of others, whose partial sums wait for each other. */
  readonly waiting: FilterRun
  /** Whether the way back comes to it as the last of them. */
  readonly last: boolean
}

export interface FilterPlaces {
  /** By the number of the operation. */
  readonly convolutions: ReadonlyMap<number, ConvolutionPlaces>
  /** The records of all filters. */
  readonly words: readonly number[]
}

/** Partial sums wait until there are so many bytes of them. */
const MOST_WAITING = 2 ** 26

interface Convolution {
  readonly index: number
  readonly groups: readonly GroupSketch[]
}

export function placeFilters(placing: Placing): FilterPlaces {
  const sketches = placing.graph.operations.flatMap((operation, index): Convolution[] =>
    operation.kind === 'convolve' ? [{ index, groups: sketchGroups(placing, operation, index) }] : [],
  )
  const all: PlacedFilter[] = []
  const convolutions = runsThatWait(sketches).flatMap((run) => placeRun(run, all))
  const words = all.flatMap(({ record }) => FILTER_FIELDS.map((name) => record[name]))
  return { convolutions: new Map(convolutions), words }
}

/** @param all filters so far; those of the run follow */
function placeRun(run: readonly Convolution[], all: PlacedFilter[]): [number, ConvolutionPlaces][] {
  const first = all.length
  let offset = 0
  const placed = run.map(({ groups }) =>
    groups.map((group): FilterGroup => {
      const own = all.length
      let bytes = 0
      let chunks = 0
      for (const { record, outputBytes, chunkBytes, ...site } of group.filters) {
        const places = { plane: bytes / 16, chunks: chunks / 16, groupChunks: offset / 16 }
        all.push({ ...site, record: { ...record, ...places } })
        bytes += outputBytes
        chunks += chunkBytes
      }
      const sums = { offset, bytes: chunks }
      offset += chunks
      const { kind, givers } = group
      return { kind, givers, first: own, filters: all.slice(own), bytes, chunks: sums }
    }),
  )
  const waiting = { first, filters: all.slice(first), bytes: offset }
  return run.map(({ index }, i) => [index, { groups: placed[i], waiting, last: i === 0 }])
}

/** Neighbours, of whom as many share a run as may wait on the way back. */
function runsThatWait(convolutions: readonly Convolution[]): Convolution[][] {
  const runs: Convolution[][] = []
  let waiting = Number.POSITIVE_INFINITY
  for (const convolution of convolutions.toReversed()) {
    const own = sum(convolution.groups.flatMap(({ filters }) => filters.map(({ chunkBytes }) => chunkBytes)))
    waiting += own
    if (waiting > MOST_WAITING) {
      runs.unshift([])
      waiting = own
    }
    runs[0].unshift(convolution)
  }
  return runs
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0)
