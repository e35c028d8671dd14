/** Of the records of filters that are taken together, all but where their partial sums wait. */
import type { ValueId } from '../../../../core/network.ts'
import type { Activity } from '../../../graph/activity.ts'
import type { FilterRecord } from '../../kernels/filter.ts'
import { SOURCE_BINDINGS } from '../../kernels/outputGradient.ts'
import type { State } from '../../plan/layout.ts'
import { alignedForParts } from '../../plan/storage.ts'
import { quadsOf } from '../quads.ts'
import type { MomentPlace } from '../terms/momentPlaces.ts'
import type { NormReader } from '../terms/normReaders.ts'
import { cutsOf, type FilterSite, threadsOfChunk } from './filterCuts.ts'
import type { Drafting, GroupDraft, Member } from './filterDrafts.ts'
import type { PackedPlaces } from './packedBuffers.ts'

/** What the records of filters depend on. */
export interface Placing extends Drafting {
  readonly activity: Activity
  readonly state: State
  readonly moments: ReadonlyMap<ValueId, MomentPlace>
  readonly normReaders: ReadonlyMap<ValueId, NormReader>
  readonly packed: PackedPlaces
  /** Storage buffers that one kernel can name. */
  readonly bindings: number
}

export interface Sketch extends FilterSite {
  readonly record: Omit<FilterRecord, 'chunks' | 'groupChunks'>
  readonly chunkBytes: number
}

export interface GroupSketch extends GroupDraft {
  readonly filters: readonly Sketch[]
  /** See `FilterGroup`. */
  readonly gradientSources: readonly (readonly ValueId[])[]
}

export function sketchGroup(placing: Placing, draft: GroupDraft): GroupSketch {
  const { values } = placing.graph
  const sites = draft.members.map(({ filter, convolution: { input } }): FilterSite => {
    const { channels: inputs } = values[input]
    return { filter, input: quadsOf(values[input]), inputs, output: quadsOf(values[filter.output]) }
  })
  const threads = threadsOfChunk(draft.kind, sites)
  const gradientSources = gradientSourcesOf(placing, draft)
  const filters = sites.map((site, i) => {
    const cuts = cutsOf(site, threads, placing.batchSize)
    const places = {
      ...readingOf(placing, draft, draft.members[i]),
      ...makingOf(placing, draft.members[i], gradientSources),
    }
    const record = { ...places, ...cuts }
    return { ...site, record, chunkBytes: alignedForParts(16 * cuts.chunkCount * cuts.rows * site.output.quads) }
  })
  return { ...draft, filters, gradientSources }
}

/** All nodes that normalise the outputs, if each output is read by one alone and the device can bind their gradients. */
function gradientSourcesOf({ normReaders, packed, bindings }: Placing, { members }: GroupDraft): ValueId[][] {
  const gradientSources = new Map<unknown, ValueId[]>()
  for (const { filter } of members) {
    const node = normReaders.get(filter.output)?.node
    if (node === undefined) return []
    const buffer = packed.unstored.get(node)?.packedBuffer ?? node
    gradientSources.set(buffer, [...(gradientSources.get(buffer) ?? []), node])
  }
  return gradientSources.size + SOURCE_BINDINGS > bindings ? [] : [...gradientSources.values()]
}

/** Where a filter reads, what, and where the gradient wrt that goes. */
function readingOf({ activity, state, readThrough, packed }: Placing, draft: GroupDraft, member: Member) {
  const { filter, convolution, index, part } = member
  const { height: kernelHeight, width: kernelWidth, ...steps } = filter.window
  const { input } = convolution
  const through = readThrough.get(input)
  const gradient = packed.unstored.get(input) ?? packed.outputs.get(input)
  const offsetIn = (place?: { readonly offset: number }) => (draft.parallel && place ? place.offset / 16 : 0)
  return {
    ...{ flag: activity.ofPart(index, part), weight: state.parameterOffsets[filter.parameter] },
    ...{ kernelHeight, kernelWidth, ...steps },
    source: offsetIn(packed.outputs.get(through?.value ?? input)),
    normPlus1: through === undefined ? 0 : through.base + 1,
    targetOffset: offsetIn(gradient),
  }
}

/** Where a filter's output goes, what becomes of it, and where the gradient wrt it comes from. */
function makingOf(placing: Placing, { filter }: Member, gradientSources: readonly (readonly ValueId[])[]) {
  const { graph, moments, normReaders, packed } = placing
  const { height, width, channels } = graph.values[filter.output]
  const { quads } = quadsOf(graph.values[filter.output])
  const moment = moments.get(filter.output)
  const reader = normReaders.get(filter.output)
  const sourceGradient = reader && packed.unstored.get(reader.node)
  return {
    ...{ height, width, quads, channels },
    plane: (packed.outputs.get(filter.output)?.offset ?? 0) / 16,
    momentsPlus1: moment?.collected ? moment.at + 1 : 0,
    tracked: Number(moment?.tracked ?? false),
    norm: reader?.base ?? 0,
    gradientSource:
      reader === undefined
        ? 0
        : Math.max(
            0,
            gradientSources.findIndex((nodes) => nodes.includes(reader.node)),
          ),
    gradientSourceOffset: (sourceGradient?.offset ?? 0) / 16,
  }
}
