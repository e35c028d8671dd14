/**
 * Plans the convolutions of a network: which filters share dispatches, and where their inputs, outputs, moments and
 * partial sums stand.
 *
 * Filters of one kind (dense or depthwise) that read the same value form a *group*. A group takes one dispatch forward,
 * one for the gradients of all its filters, and one for the gradient with respect to the value, which sums over all of
 * them. Equal filters that each read a value of their own form a group as well, if one group computes all those values:
 * these filters run *side by side*, and each has its own input gradient. The outputs of a group stand one after the
 * other in one packed buffer, so that a dispatch can write all of them, and each can be bound alone.
 *
 * The gradient of a filter is a sum over all pixels of the batch. The pixels are cut into *chunks*, each of which a
 * workgroup of its own reduces to a partial sum. Partial sums of consecutive groups wait in one buffer, up to 64 MB of
 * them, until one dispatch adds them up: a *summation*.
 *
 * Example. A value x of 8 × 8 pixels and 16 channels, batch 64, is read by a dense 3×3 filter a and a dense 1×1 filter
 * b with 16 output channels each, and one batch normalisation reads each output. Then a and b form one group:
 *
 *   outputs        262,144 bytes each: a at byte 0 and b at byte 262,144 of one packed buffer
 *   forward        1 dispatch, `convolve`: both outputs, and their moments for every tile of 128 pixels
 *   filters        1 dispatch, `filterGradient`: 4,096 pixels in 16 chunks of 256; the 16 partial sums of a (9·16 rows
 *                  × 16 channels) wait at byte 0, those of b (16 rows × 16 channels) at byte 147,456
 *   input          1 dispatch, `convolveBack`: the gradient with respect to x, summed over a and b
 *   summation      1 dispatch, `sumPartials`: the gradients of a and b, and of all groups that wait in the same buffer
 *
 * Neither gradient with respect to an output is stored: both kernels compute it from the gradient of the node that the
 * normalised output is added to (`outputGradient` in `kernels/readers.ts`).
 */
import type { ValueId } from '../../../core/network.ts'
import type { Activity } from '../../graph/activity.ts'
import { countReads } from '../../graph/dataflow.ts'
import { type Filter, type Graph, type Of, offsetsOf } from '../../graph/graph.ts'
import { sumWorkgroups } from '../kernels/filterGradient.ts'
import { OTHER_BINDINGS } from '../kernels/readers.ts'
import { encodeRecord, FILTER_FIELDS, type FilterRecord } from '../kernels/records.ts'
import type { State } from '../plan/layout.ts'
import { alignedForParts, type PackedPlace } from '../plan/storage.ts'
import { quadsOf } from './quads.ts'
import { type MomentPlace, type MomentPlan, placeMoments, type TermPlan } from './termPlan.ts'
import { type GradientChunks, gradientChunks, type SizedFilter, threadsPerChunk, tileFor } from './workgroups.ts'

/** The graph, batch size and device limits that decide how filters are planned. */
export interface FilterSite {
  readonly graph: Graph
  readonly batchSize: number
  /** The number of storage buffers that one kernel can bind. */
  readonly bindings: number
  /** The largest size of one binding, in bytes. */
  readonly largestBinding: number
}

/** The plan of all filters of a network. */
export interface FilterPlan {
  /** The groups in the order in which they run forward. */
  readonly groups: readonly FilterGroup[]
  /**
   * Where each filter's output stands in the packed buffer of its group; gradients of outputs use the same offsets.
   */
  readonly outputs: ReadonlyMap<ValueId, PackedPlace>
  /** Where the gradients of values that are never stored stand, if filters read those values side by side. */
  readonly unstoredInputs: ReadonlyMap<ValueId, PackedPlace>
  /** Outputs of filters whose gradients are computed where they are read, and never stored. */
  readonly unstoredGradients: ReadonlySet<ValueId>
  readonly moments: MomentPlan
}

/** A group of filters that share dispatches. */
export interface FilterGroup {
  readonly kind: Filter['kind']
  /** Whether the filters read their input through ReLU. */
  readonly relu: boolean
  /** Whether each filter reads a value of its own; otherwise all read the same. */
  readonly sideBySide: boolean
  /** Number of the group's first filter among all filters of the network. */
  readonly first: number
  readonly filters: readonly PlannedFilter[]
  /** For each filter the value that it reads. */
  readonly inputs: readonly ValueId[]
  /** For each filter the number of its operation. */
  readonly operations: readonly number[]
  /**
   * The nodes from whose gradients the gradients with respect to the outputs are computed; nodes whose gradients share
   * a buffer are listed together. Empty if the gradients with respect to the outputs are stored.
   */
  readonly gradientSources: readonly (readonly ValueId[])[]
  /** Where the partial sums of the group begin in the buffer of its summation, and their length, in bytes. */
  readonly partials: { readonly offset: number; readonly bytes: number }
  readonly summation: Summation
}

/** Filters whose partial sums one dispatch adds up. */
export interface Summation {
  /** Number of the first of the filters among all filters of the network. */
  readonly first: number
  readonly filterCount: number
  /** Workgroups for the largest of the filters. */
  readonly workgroups: number
  /** Size of the buffer in which the partial sums wait. */
  readonly bytes: number
}

/** One filter, and where its data stand in the buffers that its group binds, in bytes. */
export interface PlannedFilter extends SizedFilter {
  /** Number of its operation, and its number in the operation. */
  readonly operation: number
  readonly part: number
  readonly inputOffset: number
  readonly inputGradientOffset: number
  /** Where the rows of the term that normalises the input begin in `vectors`, in quads. */
  readonly inputNorm: number | undefined
  readonly outputOffset: number
  /** Where the forward kernel stores the moments of the output; undefined if no normalisation reads the output. */
  readonly moments: MomentPlace | undefined
  /** The term from which the gradient with respect to the output is computed, if that gradient is not stored. */
  readonly outputNorm: OutputNorm | undefined
  readonly chunks: GradientChunks
  /** Where the partial sums begin among those of the group. */
  readonly partialsOffset: number
}

/** The normalised term that alone reads the output of a filter. */
interface OutputNorm {
  /** Where the rows of the term begin in `vectors`, in quads. */
  readonly base: number
  /**
   * Which of the group's `gradientSources` holds the gradient of the term's node, and where in that buffer, in bytes.
   */
  readonly source: number
  readonly sourceOffset: number
}

/** Plans all filters of a graph whose operations are ordered by depth. */
export function planFilters(site: FilterSite, terms: TermPlan): FilterPlan {
  const { graph, batchSize } = site
  const drafts = groupFilters(site, terms)
  const unstored = drafts.filter(({ sideBySide, members }) => sideBySide && terms.readThrough.has(inputsOf(members)[0]))
  const places = {
    outputs: packAll(site, drafts, outputsOf),
    unstoredInputs: packAll(site, unstored, inputsOf),
    moments: placeMoments(graph, batchSize, tilePixels(graph, drafts)),
  }
  const groups = addSummations(drafts.map((draft) => planGroup({ ...site, terms, ...places }, draft)))
  const computed = groups.filter(({ gradientSources }) => gradientSources.length > 0)
  const unstoredGradients = computed.flatMap(({ filters }) => filters.map(({ filter }) => filter.output))
  return { groups, ...places, unstoredGradients: new Set(unstoredGradients) }
}

/** A filter with its convolution. */
interface Member {
  readonly filter: Filter
  readonly convolution: Of<'convolve'>
  /** Number of the convolution among the operations, and number of the filter in the convolution. */
  readonly operation: number
  readonly part: number
}

/** A group of filters without offsets. */
interface GroupDraft {
  readonly kind: Filter['kind']
  readonly sideBySide: boolean
  readonly members: Member[]
}

const outputsOf = (members: readonly Member[]) => members.map(({ filter }) => filter.output)
const inputsOf = (members: readonly Member[]) => members.map(({ convolution }) => convolution.input)

/** Divides all filters into groups. A group that would exceed the largest binding is closed, and another one begun. */
function groupFilters(site: FilterSite, { readThrough }: TermPlan): GroupDraft[] {
  const reads = countReads(site.graph)
  const groups: GroupDraft[] = []
  const latest = new Map<string, GroupDraft>()
  const producers = new Map<ValueId, number>()
  const join = (member: Member, key: string, sideBySide: boolean) => {
    let group = latest.get(key)
    if (group === undefined || !fitsBinding(site, [...group.members, member], sideBySide)) {
      group = { kind: member.filter.kind, sideBySide, members: [] }
      groups.push(group)
      latest.set(key, group)
    }
    group.members.push(member)
    producers.set(member.filter.output, groups.indexOf(group))
  }
  site.graph.operations.forEach((convolution, operation) => {
    if (convolution.kind !== 'convolve') return
    const { input, filters } = convolution
    const producer = producers.get(readThrough.get(input)?.value ?? input)
    const sideBySide = producer !== undefined && filters.length === 1 && reads[input] === 1
    filters.forEach((filter, part) => {
      const member = { filter, convolution, operation, part }
      const key = sideBySide ? `${producer} ${likeness(site, member, readThrough)}` : `${operation} ${filter.kind}`
      join(member, key, sideBySide)
    })
  })
  return groups.map(sortedByWidth)
}

/** Returns a text that is equal for filters that can run side by side: kind, ReLU, and sizes. */
function likeness({ graph }: FilterSite, member: Member, readThrough: TermPlan['readThrough']): string {
  const { input, relu } = member.convolution
  const sizes = [input, member.filter.output].map((id) => Object.values(graph.values[id]).join('×'))
  return [member.filter.kind, relu, readThrough.has(input), ...sizes].join(' ')
}

/** Tells whether one binding can hold all outputs, and all inputs if each filter has its own. */
function fitsBinding(site: FilterSite, members: readonly Member[], sideBySide: boolean): boolean {
  const sides = sideBySide ? [outputsOf(members), inputsOf(members)] : [outputsOf(members)]
  const bytes = sides.map((values) => values.reduce((sum, value) => sum + packedBytes(site, value), 0))
  return Math.max(...bytes) <= site.largestBinding
}

/** Puts depthwise filters of equal width next to each other: one dispatch computes the gradients of those. */
const sortedByWidth = (group: GroupDraft): GroupDraft =>
  group.kind === 'dense'
    ? group
    : { ...group, members: group.members.toSorted((a, b) => a.filter.window.width - b.filter.window.width) }

/** The bytes that a value occupies in a packed buffer. */
const packedBytes = ({ graph, batchSize }: FilterSite, value: ValueId): number =>
  alignedForParts(4 * batchSize * quadsOf(graph.values[value]).perSample)

/** Places values of every group in a packed buffer of their own. @param valuesOf selects the values of a group */
function packAll(
  site: FilterSite,
  groups: readonly GroupDraft[],
  valuesOf: (members: readonly Member[]) => readonly ValueId[],
): ReadonlyMap<ValueId, PackedPlace> {
  const placed = groups.flatMap(({ members }) => {
    const values = valuesOf(members)
    const sizes = values.map((value) => packedBytes(site, value))
    const offsets = offsetsOf(sizes)
    const buffer = { bytes: sum(sizes) }
    return values.map((value, i) => [value, { buffer, offset: offsets[i] }] as const)
  })
  return new Map(placed)
}

/** Returns for each output of a dense filter the pixels of the tiles in which it is computed. */
function tilePixels(graph: Graph, drafts: readonly GroupDraft[]): Map<ValueId, number> {
  const dense = drafts.filter(({ kind }) => kind === 'dense')
  const tiled = dense.flatMap(({ members }) => {
    const outputs = outputsOf(members)
    const { pixels } = tileFor(Math.max(...outputs.map((output) => quadsOf(graph.values[output]).quads)))
    return outputs.map((output) => [output, pixels] as const)
  })
  return new Map(tiled)
}

/** What decides where the data of a group's filters stand. */
interface GroupSite extends FilterSite, Pick<FilterPlan, 'outputs' | 'unstoredInputs' | 'moments'> {
  readonly terms: TermPlan
}

/** A group whose filters have offsets, except for their partial sums. */
interface PlannedGroup extends Omit<FilterGroup, 'first' | 'partials' | 'summation'> {
  readonly partialBytes: number
}

function planGroup(site: GroupSite, { kind, sideBySide, members }: GroupDraft): PlannedGroup {
  const { values } = site.graph
  const sized = members.map(({ filter, convolution: { input } }): SizedFilter => {
    const { channels: inputChannels } = values[input]
    return { filter, input: quadsOf(values[input]), inputChannels, output: quadsOf(values[filter.output]) }
  })
  const threads = threadsPerChunk(kind, sized)
  const chunks = sized.map((own) => gradientChunks(own, threads, site.batchSize))
  const partialBytes = sized.map(({ output }, i) =>
    alignedForParts(16 * chunks[i].chunkCount * chunks[i].rows * output.quads),
  )
  const partialOffsets = offsetsOf(partialBytes)
  const gradientSources = gradientSourcesOf(site, members)
  const filters = members.map((member, i): PlannedFilter => {
    const { operation, part } = member
    const places = { ...inputPlaces(site, member, sideBySide), ...outputPlaces(site, member, gradientSources) }
    return { ...sized[i], operation, part, ...places, chunks: chunks[i], partialsOffset: partialOffsets[i] }
  })
  return {
    ...{ kind, sideBySide, filters, gradientSources },
    relu: members[0].convolution.relu,
    inputs: inputsOf(members),
    operations: members.map(({ operation }) => operation),
    partialBytes: sum(partialBytes),
  }
}

/**
 * Returns the nodes from whose gradients those of the outputs follow, by buffer; none if outputs have other readers or
 * the bindings do not suffice.
 */
function gradientSourcesOf({ terms, unstoredInputs, bindings }: GroupSite, members: readonly Member[]): ValueId[][] {
  const nodesByBuffer = new Map<unknown, ValueId[]>()
  for (const { filter } of members) {
    const node = terms.normReaders.get(filter.output)?.node
    if (node === undefined) return []
    const buffer = unstoredInputs.get(node)?.buffer ?? node
    nodesByBuffer.set(buffer, [...(nodesByBuffer.get(buffer) ?? []), node])
  }
  return nodesByBuffer.size + OTHER_BINDINGS > bindings ? [] : [...nodesByBuffer.values()]
}

function inputPlaces({ terms, outputs, unstoredInputs }: GroupSite, { convolution }: Member, sideBySide: boolean) {
  const { input } = convolution
  const through = terms.readThrough.get(input)
  // The buffer of a value that all filters read is bound from where the value begins.
  const offsetIn = (place: PackedPlace | undefined) => (sideBySide && place !== undefined ? place.offset : 0)
  return {
    inputOffset: offsetIn(outputs.get(through?.value ?? input)),
    inputGradientOffset: offsetIn(unstoredInputs.get(input) ?? outputs.get(input)),
    inputNorm: through?.base,
  }
}

function outputPlaces(
  { terms, outputs, unstoredInputs, moments }: GroupSite,
  { filter: { output } }: Member,
  gradientSources: FilterGroup['gradientSources'],
) {
  const place = moments.values.get(output)
  const reader = gradientSources.length > 0 ? terms.normReaders.get(output) : undefined
  const outputNorm: OutputNorm | undefined = reader && {
    base: reader.base,
    source: gradientSources.findIndex((nodes) => nodes.includes(reader.node)),
    sourceOffset: unstoredInputs.get(reader.node)?.offset ?? 0,
  }
  return { outputOffset: outputs.get(output)?.offset ?? 0, moments: place?.collected ? place : undefined, outputNorm }
}

/** The most bytes of partial sums that wait for one summation. */
const MOST_WAITING = 2 ** 26

/** Numbers the filters of all groups, and places their partial sums in buffers that one summation each adds up. */
function addSummations(groups: readonly PlannedGroup[]): FilterGroup[] {
  let first = 0
  return waitingTogether(groups).flatMap((waiting) => {
    const filters = waiting.flatMap((group) => group.filters)
    const workgroups = filters.map(({ chunks, output }) => sumWorkgroups(chunks.rows, output.quads, chunks.lanes))
    const bytes = waiting.map(({ partialBytes }) => partialBytes)
    const offsets = offsetsOf(bytes)
    const numbers = offsetsOf(waiting.map((group) => group.filters.length))
    const summation = { first, filterCount: filters.length, workgroups: Math.max(...workgroups), bytes: sum(bytes) }
    first += filters.length
    return waiting.map(({ partialBytes, ...group }, i): FilterGroup => {
      const partials = { offset: offsets[i], bytes: partialBytes }
      return { ...group, first: summation.first + numbers[i], partials, summation }
    })
  })
}

/**
 * Divides the groups into runs of neighbours; the backward pass, which starts at the last group, fills each run up
 * first.
 */
function waitingTogether(groups: readonly PlannedGroup[]): PlannedGroup[][] {
  const runs: PlannedGroup[][] = []
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

/**
 * Encodes the records of all filters as words (`FILTER_FIELDS` in `kernels/records.ts`), one record after the other.
 */
export function encodeFilters(graph: Graph, activity: Activity, state: State, { groups }: FilterPlan): number[] {
  return groups.flatMap(({ filters, partials }) =>
    filters.flatMap((planned) => {
      const { filter, output, operation, part, moments, outputNorm, chunks } = planned
      const { height: kernelHeight, width: kernelWidth, ...steps } = filter.window
      const { height, width, quads } = output
      const record: FilterRecord = {
        flag: activity.ofPart(operation, part),
        weightOffset: state.parameterOffsets[filter.parameter],
        ...{ kernelHeight, kernelWidth, ...steps },
        ...{ height, width, quads, channels: graph.values[filter.output].channels },
        inputOffset: planned.inputOffset / 16,
        inputGradientOffset: planned.inputGradientOffset / 16,
        inputNorm: planned.inputNorm,
        outputOffset: planned.outputOffset / 16,
        moments: moments?.offset,
        tracked: moments && Number(moments.tracked),
        outputNorm: outputNorm?.base,
        gradientSource: outputNorm?.source,
        gradientSourceOffset: outputNorm && outputNorm.sourceOffset / 16,
        partialsOffset: planned.partialsOffset / 16,
        groupPartialsOffset: partials.offset / 16,
        ...chunks,
      }
      return encodeRecord(FILTER_FIELDS, record)
    }),
  )
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
