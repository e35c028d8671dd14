/** Which filters of a convolution a dispatch takes together, and of their records all but the places among others. */
import type { ValueId } from '../../../core/network.ts'
import type { Activity } from '../../graph/activity.ts'
import type { Filter, Graph, Of } from '../../graph/graph.ts'
import type { FilterRecord } from '../kernels/filter.ts'
import { gradientTileFor } from '../kernels/filterGradient.ts'
import { GIVING_BINDINGS } from '../kernels/outputGradient.ts'
import type { State } from '../layout.ts'
import { alignedForParts } from '../storage.ts'
import { cutsOf, type FilterSite, tilesOf } from './filterCuts.ts'
import type { MomentPlace } from './momentPlaces.ts'
import type { NormReader } from './normReaders.ts'
import { quadsOf } from './quads.ts'

/** What the placing of filters depends on. */
export interface Placing {
  readonly graph: Graph
  readonly activity: Activity
  readonly state: State
  readonly batchSize: number
  readonly moments: ReadonlyMap<ValueId, MomentPlace>
  readonly normReaders: ReadonlyMap<ValueId, NormReader>
  /** Storage buffers that one kernel can name, and bytes that one can have. */
  readonly bindings: number
  readonly largestBinding: number
}

export interface Sketch extends FilterSite {
  readonly record: Omit<FilterRecord, 'plane' | 'chunks' | 'groupChunks'>
  readonly outputBytes: number
  readonly chunkBytes: number
}

export interface GroupSketch {
  readonly kind: Filter['kind']
  readonly filters: readonly Sketch[]
  /** See `FilterGroup`. */
  readonly givers: readonly ValueId[]
}

interface FlaggedSite extends FilterSite {
  /** Number of its activity flag. */
  readonly flag: number
}

/** By kind, equally wide depthwise filters beside each other. */
export function sketchGroups(placing: Placing, operation: Of<'convolve'>, index: number): GroupSketch[] {
  const { values } = placing.graph
  const { channels: inputs } = values[operation.input]
  const input = quadsOf(values[operation.input])
  const sites = operation.filters.map((filter, part): FlaggedSite => {
    return { filter, input, inputs, output: quadsOf(values[filter.output]), flag: placing.activity.ofPart(index, part) }
  })
  const dense = sites.filter(({ filter }) => filter.kind === 'dense')
  const depthwise = sites.filter(({ filter }) => filter.kind === 'depthwise')
  depthwise.sort((a, b) => a.filter.window.width - b.filter.window.width)
  return [dense, depthwise].flatMap((kind) => inBindings(placing, kind)).map((group) => sketchGroup(placing, group))
}

/** As many together as one binding can have the outputs of. */
function inBindings({ batchSize, largestBinding }: Placing, sites: readonly FlaggedSite[]): FlaggedSite[][] {
  const groups: FlaggedSite[][] = []
  let free = 0
  for (const site of sites) {
    const bytes = outputBytes(site, batchSize)
    if (groups.length === 0 || bytes > free) {
      groups.push([])
      free = largestBinding
    }
    free -= bytes
    groups.at(-1)?.push(site)
  }
  return groups
}

function sketchGroup(placing: Placing, sites: readonly FlaggedSite[]): GroupSketch {
  const { columns } = gradientTileFor(Math.max(...sites.map(({ output }) => output.quads)))
  const tiles = sum(sites.map((site) => tilesOf(site, columns).reduce((rows, own) => rows * own)))
  const givers = giversOf(placing, sites)
  const filters = sites.map((site) => sketch(placing, site, tiles, givers))
  return { kind: sites[0].filter.kind, filters, givers }
}

/** All nodes that normalise the outputs, if each output is read by one alone and the device can bind them all. */
function giversOf({ normReaders, bindings }: Placing, sites: readonly FlaggedSite[]): ValueId[] {
  const readers = sites.map(({ filter }) => normReaders.get(filter.output)?.node)
  const nodes = new Set(readers.filter((node) => node !== undefined))
  return readers.includes(undefined) || nodes.size + GIVING_BINDINGS > bindings ? [] : [...nodes]
}

/** @param tiles workgroups for one chunk of the gradients of all filters of its group */
function sketch(placing: Placing, site: FlaggedSite, tiles: number, givers: readonly ValueId[]): Sketch {
  const { graph, state, batchSize, moments, normReaders } = placing
  const { flag, ...place } = site
  const { output, filter } = place
  const { height, width, quads } = output
  const { height: kernelHeight, width: kernelWidth, ...steps } = filter.window
  const { channels } = graph.values[filter.output]
  const cuts = cutsOf(site, tiles, batchSize)
  const moment = moments.get(filter.output)
  const reader = normReaders.get(filter.output)
  const record = {
    ...{ flag, weight: state.parameterOffsets[filter.parameter] },
    ...{ kernelHeight, kernelWidth, ...steps, height, width, quads, channels },
    momentsPlus1: moment?.collected ? moment.at + 1 : 0,
    tracked: Number(moment?.tracked ?? false),
    norm: reader?.base ?? 0,
    giver: reader === undefined ? 0 : Math.max(0, givers.indexOf(reader.node)),
    ...cuts,
  }
  const chunkBytes = alignedForParts(16 * cuts.chunkCount * cuts.rows * quads)
  return { ...place, record, outputBytes: outputBytes(site, batchSize), chunkBytes }
}

const outputBytes = ({ output }: FilterSite, batchSize: number) => alignedForParts(4 * batchSize * output.perSample)
const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0)
