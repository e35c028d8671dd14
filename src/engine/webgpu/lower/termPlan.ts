/**
 * Plans the terms of all nodes (a node is a sum of terms, most of them batch-normalised activations): where the
 * per-channel data of each term are stored in the buffer `vectors`, where the batch moments are stored, and which
 * normalisations share dispatches.
 *
 * Some values and gradients are never stored. If only convolutions read a node that is a single normalised term, the
 * node is not stored: the convolutions normalise the term's activation tensor while they read it (`readThrough`). If
 * only a single normalised term reads the output of a dense convolution, the gradient with respect to that output is
 * not stored: the kernels of the convolution compute it from the gradient of the node (`normReaders`).
 */
import type { ValueId } from '../../../core/network.ts'
import { convolvedForOneNorm } from '../../graph/dataflow.ts'
import { type Graph, inputsOf, type Norm, type Of, rootsOf, type Term } from '../../graph/graph.ts'
import { encodeRecord, ROWS, TERM_FIELDS, type TermRecord } from '../kernels/records.ts'
import type { State } from '../plan/layout.ts'
import type { PackedPlace } from '../plan/storage.ts'
import { quadsOf } from './quads.ts'
import { columnChunks } from './workgroups.ts'

/** Where the per-channel data of one term (a summand of a node) are stored on the GPU. */
export interface TermPlace {
  /** Index of the term among all terms of the network. */
  readonly number: number
  /** Offset of the term's rows (scale, shift, mean, …) in the buffer `vectors`, in quads (groups of four channels). */
  readonly base: number
  /** Length of each of the term's rows in `vectors`, in quads (groups of four channels). */
  readonly quads: number
  /**
   * Row of the kernel `reduceProducts`' result with the term's Σ g·(value − μ); g is the gradient with respect to the
   * node, μ the mean of the channel. Counted from 1, as row 0 is Σ g; undefined if the sum is never needed.
   */
  readonly productRow: number | undefined
}

/**
 * An activation tensor that convolutions batch-normalise while they read it. The rows with its scale and shift begin at
 * `base` in the buffer `vectors`, counted in quads (groups of four channels).
 */
export interface ReadThrough {
  readonly value: ValueId
  readonly base: number
}

/** The batch-normalised term that alone reads the output of a convolution. */
export interface NormReader {
  /** The node (sum of terms) to which the normalised term belongs. */
  readonly node: ValueId
  /** Offset of the normalised term's rows in the buffer `vectors`, in quads (groups of four channels). */
  readonly base: number
}

/**
 * Where the data of all terms (summands of nodes) of a network are stored, and which values and gradients are not
 * stored.
 */
export interface TermPlan {
  /** For the index of each combine operation (sum of terms): where the data of its terms are stored. */
  readonly places: ReadonlyMap<number, readonly TermPlace[]>
  /**
   * For each node that is never stored: the activation tensor that convolutions read and normalise in place of the
   * node.
   */
  readonly readThrough: ReadonlyMap<ValueId, ReadThrough>
  /**
   * For each convolution output whose gradient is not stored: the normalised term that reads the output; kernels
   * compute the gradient from that of the term's node.
   */
  readonly normReaders: ReadonlyMap<ValueId, NormReader>
}

/** A term with the combine operation that sums it, and the place of its per-channel data on the GPU. */
interface PlacedTerm {
  readonly combine: Of<'combine'>
  /** Index of the combine operation that sums the term. */
  readonly index: number
  readonly term: Term
  readonly place: TermPlace
}

/** Decides where the data of all terms of a graph are stored, and which values and gradients are never stored. */
export function planTerms(graph: Graph): TermPlan {
  const places = placeTerms(graph)
  const placed = placedTerms(graph, places)
  return { places, readThrough: findReadThrough(graph, placed), normReaders: findNormReaders(graph, placed) }
}

/**
 * Tells whether the sum Σ g·(value − μ) over the pixels of a term is ever needed (g: the gradient with respect to the
 * node; μ: the mean of the channel). For a term without normalisation it is needed only for the gradient of its mixing
 * coefficients.
 */
export function hasProduct({ norm, factors }: Term): boolean {
  return norm !== null || factors.length > 0
}

function placeTerms(graph: Graph): TermPlan['places'] {
  const places = new Map<number, readonly TermPlace[]>()
  let number = 0
  let base = 0
  graph.operations.forEach((operation, index) => {
    if (operation.kind !== 'combine') return
    const { quads } = quadsOf(graph.values[operation.output])
    let products = 0
    const own = operation.terms.map((term): TermPlace => {
      const productRow = hasProduct(term) ? ++products : undefined
      const place = { number: number++, base, quads, productRow }
      base += ROWS.length * quads
      return place
    })
    places.set(index, own)
  })
  return places
}

/** Lists the terms of all combine operations, in order, each with the place of its data. */
function placedTerms({ operations }: Graph, places: TermPlan['places']): PlacedTerm[] {
  return operations.flatMap((combine, index) => {
    if (combine.kind !== 'combine') return []
    const own = places.get(index) ?? []
    return combine.terms.map((term, part) => ({ combine, index, term, place: own[part] }))
  })
}

function findReadThrough(graph: Graph, terms: readonly PlacedTerm[]): TermPlan['readThrough'] {
  const stored = new Set(rootsOf(graph.network))
  for (const operation of graph.operations) {
    if (operation.kind !== 'convolve') for (const input of inputsOf(operation)) stored.add(input)
  }
  // A term with a coefficient can be switched off while its readers run; its node is then 0, but its value is not.
  const found = terms.filter(
    ({ combine, term: { norm, factors } }) =>
      combine.terms.length === 1 && norm !== null && factors.length === 0 && !stored.has(combine.output),
  )
  return new Map(found.map(({ combine, term, place }) => [combine.output, { value: term.value, base: place.base }]))
}

function findNormReaders(graph: Graph, terms: readonly PlacedTerm[]): TermPlan['normReaders'] {
  const outputs = convolvedForOneNorm(graph)
  const readers = terms.filter(({ term }) => outputs.has(term.value))
  return new Map(readers.map(({ combine, term, place }) => [term.value, { node: combine.output, base: place.base }]))
}

/**
 * Where the batch moments of an activation tensor are stored: mean and sum of squared deviations of each channel and
 * chunk of pixels.
 */
export interface MomentPlace {
  /** Offset of the tensor's moments in the buffer of all moments, in quads (groups of four channels). */
  readonly offset: number
  readonly pixelsPerChunk: number
  /**
   * Whether the convolution that computes the tensor also stores its moments; otherwise the combine operation that
   * reads the tensor measures them in a separate dispatch.
   */
  readonly collected: boolean
  /**
   * Whether all batch normalisations of the tensor have running statistics, so that evaluation needs no batch moments.
   */
  readonly tracked: boolean
}

/**
 * Where the batch moments (means and sums of squared deviations) of all batch-normalised activation tensors are stored.
 */
export interface MomentPlan {
  readonly values: ReadonlyMap<ValueId, MomentPlace>
  /** Length of the buffer with the moments of all tensors, in quads (groups of four channels). */
  readonly quads: number
}

/**
 * Assigns the batch moments of all batch-normalised activation tensors to offsets in one buffer.
 *
 * @param tilePixels for each output of a dense convolution the number of pixels that one workgroup computes
 */
export function placeMoments(graph: Graph, batchSize: number, tilePixels: ReadonlyMap<ValueId, number>): MomentPlan {
  const values = new Map<ValueId, MomentPlace>()
  let quads = 0
  for (const [value, norms] of normsByValue(graph)) {
    const extent = quadsOf(graph.values[value])
    const tile = tilePixels.get(value)
    const pixelsPerChunk = tile ?? columnChunks(extent, batchSize).args.pixelsPerChunk
    const tracked = norms.every(({ statistics }) => statistics !== null)
    values.set(value, { offset: quads, pixelsPerChunk, collected: tile !== undefined, tracked })
    quads += Math.ceil((batchSize * extent.pixelsPerSample) / pixelsPerChunk) * 2 * extent.quads
  }
  return { values, quads }
}

function normsByValue({ operations }: Graph): Map<ValueId, Norm[]> {
  const found = new Map<ValueId, Norm[]>()
  for (const operation of operations) {
    if (operation.kind !== 'combine') continue
    for (const { value, norm } of operation.terms) if (norm) found.set(value, [...(found.get(value) ?? []), norm])
  }
  return found
}

/**
 * One of several batch normalisations that share dispatches. `valueOffset` and `gradientOffset` count bytes, in the
 * buffer that holds the inputs of all these normalisations and in the one that holds the gradients with respect to
 * their outputs.
 */
export interface GroupedNorm {
  /** Index of the combine operation that contains the normalisation. */
  readonly index: number
  readonly value: ValueId
  readonly node: ValueId
  readonly valueOffset: number
  readonly gradientOffset: number
}

/** The fields of a network's `FilterPlan` that `groupNorms` reads. */
interface PackedFilters {
  readonly outputs: ReadonlyMap<ValueId, PackedPlace>
  readonly unstoredInputs: ReadonlyMap<ValueId, PackedPlace>
  readonly unstoredGradients: ReadonlySet<ValueId>
}

/**
 * Groups neighbouring nodes that each consist of one batch-normalised activation tensor and are never stored. Nodes
 * form a group if their tensors are in one buffer and the gradients with respect to the nodes in another. The
 * convolutions that compute the tensors also store their moments, so that a group needs one dispatch forward and two
 * backward.
 *
 * @returns for the index of each combine operation in a group: the whole group, in the order of the operations
 */
export function groupNorms(
  graph: Graph,
  { outputs, unstoredInputs, unstoredGradients }: PackedFilters,
): ReadonlyMap<number, readonly GroupedNorm[]> {
  const groups = new Map<number, GroupedNorm[]>()
  let open: { readonly key: readonly unknown[]; readonly group: GroupedNorm[] } | undefined
  graph.operations.forEach((operation, index) => {
    if (operation.kind !== 'combine') return
    const node = operation.output
    const gradient = unstoredInputs.get(node)
    const value = operation.terms[0]?.value
    const place = outputs.get(value)
    if (gradient === undefined || place === undefined || !unstoredGradients.has(value)) {
      open = undefined
      return
    }
    const key = [gradient.buffer, place.buffer]
    if (open === undefined || open.key.some((part, i) => part !== key[i])) open = { key, group: [] }
    open.group.push({ index, value, node, valueOffset: place.offset, gradientOffset: gradient.offset })
    groups.set(index, open.group)
  })
  return groups
}

/** Encodes the record of each term as 32-bit words (`TERM_FIELDS` in `kernels/records.ts`), term by term. */
export function encodeTerms(
  graph: Graph,
  state: State,
  { places }: TermPlan,
  moments: MomentPlan,
  groups: ReadonlyMap<number, readonly GroupedNorm[]>,
): number[] {
  return placedTerms(graph, places).flatMap(({ index, term, place }) => {
    const norms = groups.get(index) ?? []
    const number = norms.findIndex((norm) => norm.index === index)
    const record = recordOf(term, place, state, moments.values.get(term.value))
    if (number < 0) return encodeRecord(TERM_FIELDS, record)
    const { valueOffset, gradientOffset } = norms[number]
    return encodeRecord(TERM_FIELDS, {
      ...record,
      productRow: 2 * number + 1,
      gradientRow: 2 * number,
      valueOffset: valueOffset / 16,
      gradientOffset: gradientOffset / 16,
    })
  })
}

function recordOf({ norm }: Term, place: TermPlace, state: State, moments: MomentPlace | undefined): TermRecord {
  const affine = norm?.affine
  const statistics = norm?.statistics ?? null
  return {
    base: place.base,
    gamma: affine ? state.parameterOffsets[affine.scale] : undefined,
    beta: affine ? state.parameterOffsets[affine.shift] : undefined,
    running: statistics === null ? undefined : state.statisticsOffsets[statistics],
    normalised: norm === null ? 0 : 1,
    moments: moments?.offset,
    pixelsPerChunk: moments?.pixelsPerChunk,
    productRow: place.productRow,
    gradientRow: 0,
    valueOffset: undefined,
    gradientOffset: undefined,
  }
}
