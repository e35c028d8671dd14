/**
 * Plans the convolutions of a network: which filters share dispatches, and where their inputs, outputs, moments and
 * partial sums are stored.
 *
 * Filters of one kind (dense or depthwise) that read the same value form a *group*. A group takes one dispatch forward,
 * one for the gradients of all its filters, and one for the gradient with respect to the value, which sums over all of
 * them. Equal filters that each read a value of their own form a group as well, if one group computes all those values:
 * these filters run *side by side*, and each has its own input gradient. The outputs of a group are stored one after
 * the other in one packed buffer, so that a dispatch can write all of them, and each can be bound alone.
 *
 * The gradient of a filter is a sum over all pixels of the batch. The pixels are cut into *chunks*, each of which a
 * separate workgroup reduces to a partial sum. The partial sums of consecutive groups are kept in one buffer of at most
 * 64 MB until one dispatch adds them up: a *summation*.
 *
 * Example. A value x of 8 × 8 pixels and 16 channels, batch 64, is read by a dense 3×3 filter a and a dense 1×1 filter
 * b with 16 output channels each, and one batch normalisation reads each output. Then a and b form one group:
 *
 *   outputs        262,144 bytes each: a at byte 0 and b at byte 262,144 of one packed buffer
 *   forward        1 dispatch, `convolve`: both outputs, and their moments for every tile of 128 pixels
 *   filters        1 dispatch, `filterGradient`: 4,096 pixels in 16 chunks of 256; the 16 partial sums of a (9·16 rows
 *                  × 16 channels) are kept at byte 0, those of b (16 rows × 16 channels) at byte 147,456
 *   input          1 dispatch, `convolveBack`: the gradient with respect to x, summed over a and b
 *   summation      1 dispatch, `sumPartials`: the gradients of a and b, and of all groups in the same buffer
 *
 * Neither gradient with respect to an output is stored: both kernels compute it from the gradient of the node that the
 * normalised output is added to (`outputGradient` in `kernels/readers.ts`).
 */
import type { ValueId } from '../../../core/network.ts'
import { countReads } from '../../graph/dataflow.ts'
import { type Filter, type Graph, type Of, offsetsOf } from '../../graph/graph.ts'
import { OTHER_BINDINGS } from '../kernels/readers.ts'
import { alignedForParts, type PackedPlace } from '../plan/storage.ts'
import { quadsOf } from './quads.ts'
import { type SharedSummation, shareSummations } from './summations.ts'
import { type MomentPlace, type MomentPlan, placeMoments, type TermPlan } from './termPlan.ts'
import { type GradientChunks, gradientChunks, type SizedFilter, threadsPerChunk, tileFor } from './workgroups.ts'

/** The graph, batch size and device limits that decide which convolution filters share dispatches. */
export interface FilterSite {
  readonly graph: Graph
  readonly batchSize: number
  /** The number of storage buffers that one kernel can bind on this device. */
  readonly bindings: number
  /** The most bytes of a buffer that a kernel can bind on this device. */
  readonly largestBinding: number
}

/** Which convolution filters of a network share dispatches, and where their data are stored. */
export interface FilterPlan {
  /** The groups of filters that share dispatches, in the order of the forward pass. */
  readonly groups: readonly FilterGroup[]
  /**
   * Buffer and offset of each filter's output; one buffer holds all outputs of a group. The gradients with respect to
   * the outputs have the same offsets in another buffer.
   */
  readonly outputs: ReadonlyMap<ValueId, PackedPlace>
  /**
   * Buffer and offset of the gradient with respect to each filter input that is never stored itself; such inputs exist
   * only in groups whose filters each read an input of their own (`sideBySide`).
   */
  readonly unstoredInputs: ReadonlyMap<ValueId, PackedPlace>
  /**
   * The filter outputs for which the gradient with respect to the output is never stored, because kernels compute it
   * whenever they read it.
   */
  readonly unstoredGradients: ReadonlySet<ValueId>
  readonly moments: MomentPlan
}

/** A group of convolution filters that share dispatches, as the head of this file describes. */
export interface FilterGroup extends SharedSummation {
  readonly kind: Filter['kind']
  /** Whether the filters of the group apply ReLU to their input while they read it. */
  readonly relu: boolean
  /** Whether each filter of the group reads a different input; otherwise all read the same input. */
  readonly sideBySide: boolean
  readonly filters: readonly PlannedFilter[]
  /** For each filter of the group the id of the activation tensor that it reads. */
  readonly inputs: readonly ValueId[]
  /** For each filter of the group the index of the convolution operation to which it belongs. */
  readonly operations: readonly number[]
  /**
   * The nodes (sums of terms) from whose gradients kernels compute the gradients with respect to the filters' outputs,
   * one list for each buffer that holds gradients of nodes. Empty if the gradients with respect to the outputs are
   * stored.
   */
  readonly gradientSources: readonly (readonly ValueId[])[]
}

/** One convolution filter, and the byte offsets of its data in the buffers that its group binds. */
export interface PlannedFilter extends SizedFilter {
  /**
   * Index of the filter's convolution among all operations; `part` is the index of the filter within that convolution.
   */
  readonly operation: number
  readonly part: number
  readonly inputOffset: number
  readonly inputGradientOffset: number
  /**
   * Offset in the buffer `vectors`, in groups of four channels, of the scale and shift that batch-normalise the
   * filter's input; undefined if the filter reads its input as it is stored.
   */
  readonly inputNorm: number | undefined
  readonly outputOffset: number
  /**
   * Where the forward kernel stores the batch moments of the filter's output (means and sums of squared deviations);
   * undefined if no batch normalisation reads the output.
   */
  readonly moments: MomentPlace | undefined
  /**
   * The normalised term from which kernels compute the gradient with respect to the filter's output; undefined if that
   * gradient is stored.
   */
  readonly outputNorm: OutputNorm | undefined
  readonly chunks: GradientChunks
  /** Byte offset of the filter's partial sums among those of its group. */
  readonly partialsOffset: number
}

/** The batch-normalised term (summand of a node) that alone reads the output of a filter. */
interface OutputNorm {
  /** Offset of the normalised term's rows in the buffer `vectors`, in groups of four channels. */
  readonly base: number
  /**
   * Index of the list in the group's `gradientSources` that contains the term's node. `sourceOffset` is the byte offset
   * of the node's gradient in the buffer of that list.
   */
  readonly source: number
  readonly sourceOffset: number
}

/**
 * Divides all filters of a graph into groups and assigns their data to offsets in buffers. The graph's operations must
 * be ordered by depth.
 */
export function planFilters(site: FilterSite, terms: TermPlan): FilterPlan {
  const { graph, batchSize } = site
  const drafts = groupFilters(site, terms)
  const unstored = drafts.filter(({ sideBySide, members }) => sideBySide && terms.readThrough.has(inputsOf(members)[0]))
  const places = {
    outputs: packAll(site, drafts, outputsOf),
    unstoredInputs: packAll(site, unstored, inputsOf),
    moments: placeMoments(graph, batchSize, tilePixels(graph, drafts)),
  }
  const planned = drafts.map((draft) => planGroup({ ...site, terms, ...places }, draft))
  const summations = shareSummations(planned)
  const groups = planned.map(({ partialBytes: _, ...group }, i): FilterGroup => ({ ...group, ...summations[i] }))
  const computed = groups.filter(({ gradientSources }) => gradientSources.length > 0)
  const unstoredGradients = computed.flatMap(({ filters }) => filters.map(({ filter }) => filter.output))
  return { groups, ...places, unstoredGradients: new Set(unstoredGradients) }
}

/** A filter together with the convolution operation to which it belongs. */
interface Member {
  readonly filter: Filter
  readonly convolution: Of<'convolve'>
  /**
   * Index of the convolution among the graph's operations; `part` is the index of the filter within the convolution.
   */
  readonly operation: number
  readonly part: number
}

/** A group of filters that will share dispatches, before offsets in buffers are assigned. */
interface GroupDraft {
  readonly kind: Filter['kind']
  readonly sideBySide: boolean
  readonly members: Member[]
}

const outputsOf = (members: readonly Member[]) => members.map(({ filter }) => filter.output)
const inputsOf = (members: readonly Member[]) => members.map(({ convolution }) => convolution.input)

/**
 * Divides all filters into groups that share dispatches. A group ends where one more filter would make its buffers
 * larger than the device can bind.
 */
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

/**
 * Returns a key that is equal for filters that can share dispatches although each reads its own input: kind, ReLU, and
 * sizes of input and output.
 */
function likeness({ graph }: FilterSite, member: Member, readThrough: TermPlan['readThrough']): string {
  const { input, relu } = member.convolution
  const sizes = [input, member.filter.output].map((id) => Object.values(graph.values[id]).join('×'))
  return [member.filter.kind, relu, readThrough.has(input), ...sizes].join(' ')
}

/**
 * Tells whether the outputs of a group of filters fit together into one binding, and if each filter has its own input,
 * the inputs into another.
 */
function fitsBinding(site: FilterSite, members: readonly Member[], sideBySide: boolean): boolean {
  const sides = sideBySide ? [outputsOf(members), inputsOf(members)] : [outputsOf(members)]
  const bytes = sides.map((values) => values.reduce((sum, value) => sum + packedBytes(site, value), 0))
  return Math.max(...bytes) <= site.largestBinding
}

/**
 * Sorts the depthwise filters of a group by width, because one dispatch computes the gradients of all filters of equal
 * width.
 */
const sortedByWidth = (group: GroupDraft): GroupDraft =>
  group.kind === 'dense'
    ? group
    : { ...group, members: group.members.toSorted((a, b) => a.filter.window.width - b.filter.window.width) }

/**
 * Returns how many bytes a value (activation tensor) occupies in a packed buffer, rounded up to the alignment of
 * bindings.
 */
const packedBytes = ({ graph, batchSize }: FilterSite, value: ValueId): number =>
  alignedForParts(4 * batchSize * quadsOf(graph.values[value]).perSample)

/**
 * Assigns selected values of each group to offsets in one packed buffer per group.
 *
 * @param valuesOf selects the values of a group, for example the outputs of its filters
 */
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

/** Returns for each output of a dense filter the number of its pixels that one workgroup computes. */
function tilePixels(graph: Graph, drafts: readonly GroupDraft[]): Map<ValueId, number> {
  const dense = drafts.filter(({ kind }) => kind === 'dense')
  const tiled = dense.flatMap(({ members }) => {
    const outputs = outputsOf(members)
    const { pixels } = tileFor(Math.max(...outputs.map((output) => quadsOf(graph.values[output]).quads)))
    return outputs.map((output) => [output, pixels] as const)
  })
  return new Map(tiled)
}

/**
 * What `planGroup` needs to plan one group of filters: the offsets of all outputs, unstored inputs and moments, and the
 * plan of the terms.
 */
interface GroupSite extends FilterSite, Pick<FilterPlan, 'outputs' | 'unstoredInputs' | 'moments'> {
  readonly terms: TermPlan
}

/** A planned group of filters, not yet assigned to a summation: the position of its partial sums is still unknown. */
interface PlannedGroup extends Omit<FilterGroup, keyof SharedSummation> {
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
 * Returns the nodes from whose gradients kernels can compute the gradients with respect to the outputs of a group of
 * filters, one list for each buffer that holds gradients of nodes. The list is empty if anything but one
 * batch-normalised term reads one of the outputs, or if a kernel cannot bind that many buffers.
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

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
