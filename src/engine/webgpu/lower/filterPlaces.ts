/** Which filters a dispatch takes together, where their outputs and partial sums stand, and the records that kernels read. */
import type { ValueId } from '../../../core/network.ts'
import type { Activity } from '../../graph/activity.ts'
import type { Filter, Graph, Of } from '../../graph/graph.ts'
import { FILTER_FIELDS, type FilterRecord } from '../kernels/filter.ts'
import { gradientTileFor } from '../kernels/filterGradient.ts'
import type { State } from '../layout.ts'
import { alignedForParts } from '../storage.ts'
import { cutsOf, type FilterSite, tilesOf } from './filterCuts.ts'
import type { MomentPlace } from './momentPlaces.ts'
import { quadsOf } from './quads.ts'

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

/** What the placing depends on. */
export interface Placing {
  readonly graph: Graph
  readonly activity: Activity
  readonly state: State
  readonly batchSize: number
  readonly moments: ReadonlyMap<ValueId, MomentPlace>
  /** Bytes that one binding can have. */
  readonly largestBinding: number
}

/** Partial sums wait until there are so many bytes of them. */
const MOST_WAITING = 2 ** 26

/** A filter without its places among others. */
interface Sketch extends FilterSite {
  readonly record: Omit<FilterRecord, 'plane' | 'chunks' | 'groupChunks'>
  readonly outputBytes: number
  readonly chunkBytes: number
}

interface Convolution {
  readonly index: number
  readonly groups: readonly (readonly Sketch[])[]
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
      for (const { record, outputBytes, chunkBytes, ...site } of group) {
        const places = { plane: bytes / 16, chunks: chunks / 16, groupChunks: offset / 16 }
        all.push({ ...site, record: { ...record, ...places } })
        bytes += outputBytes
        chunks += chunkBytes
      }
      const sums = { offset, bytes: chunks }
      offset += chunks
      return { kind: group[0].filter.kind, first: own, filters: all.slice(own), bytes, chunks: sums }
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
    const own = sum(convolution.groups.flat().map(({ chunkBytes }) => chunkBytes))
    waiting += own
    if (waiting > MOST_WAITING) {
      runs.unshift([])
      waiting = own
    }
    runs[0].unshift(convolution)
  }
  return runs
}

/** By kind, equally wide depthwise filters beside each other. */
function sketchGroups(placing: Placing, operation: Of<'convolve'>, index: number): Sketch[][] {
  const { values } = placing.graph
  const { channels: inputs } = values[operation.input]
  const input = quadsOf(values[operation.input])
  const sites = operation.filters.map((filter, part) => {
    const flag = placing.activity.ofPart(index, part)
    return { flag, site: { filter, input, inputs, output: quadsOf(values[filter.output]) } }
  })
  const dense = sites.filter(({ site }) => site.filter.kind === 'dense')
  const depthwise = sites.filter(({ site }) => site.filter.kind === 'depthwise')
  depthwise.sort((a, b) => a.site.filter.window.width - b.site.filter.window.width)
  return [dense, depthwise].flatMap((kind) => sketchKind(placing, kind))
}

/** As many together as one binding can have the outputs of. */
function sketchKind(
  { graph, state, batchSize, moments, largestBinding }: Placing,
  sites: readonly { readonly flag: number; readonly site: FilterSite }[],
): Sketch[][] {
  const { columns } = gradientTileFor(Math.max(...sites.map(({ site }) => site.output.quads)))
  const tiles = sum(sites.map(({ site }) => tilesOf(site, columns).reduce((rows, own) => rows * own)))
  const groups: Sketch[][] = []
  let free = 0
  for (const { flag, site } of sites) {
    const { filter, output } = site
    const { height, width, quads, perSample } = output
    const cuts = cutsOf(site, tiles, batchSize)
    const outputBytes = alignedForParts(4 * batchSize * perSample)
    if (outputBytes > free) {
      groups.push([])
      free = largestBinding
    }
    free -= outputBytes
    const { height: kernelHeight, width: kernelWidth, ...steps } = filter.window
    const { channels } = graph.values[filter.output]
    const window = { weight: state.parameterOffsets[filter.parameter], kernelHeight, kernelWidth, ...steps }
    const place = moments.get(filter.output)
    const collected = { momentsPlus1: place?.collected ? place.at + 1 : 0, tracked: Number(place?.tracked ?? false) }
    const record = { flag, ...window, height, width, quads, channels, ...collected, ...cuts }
    groups
      .at(-1)
      ?.push({ ...site, record, outputBytes, chunkBytes: alignedForParts(16 * cuts.chunkCount * cuts.rows * quads) })
  }
  return groups
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0)
