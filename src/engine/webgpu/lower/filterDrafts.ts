/**
 * Which filters dispatches take together: all of one kind that read the same value, and all alike of which each reads a
 * value of its own where these values are made together.
 */
import type { ValueId } from '../../../core/network.ts'
import { type Filter, type Graph, inputsOf, type Of, rootsOf } from '../../graph/graph.ts'
import { alignedForParts } from '../storage.ts'
import { quadsOf } from './quads.ts'
import type { ReadThrough } from './readThrough.ts'

/** A filter with the convolution that it is of. */
export interface Member {
  readonly filter: Filter
  readonly convolution: Of<'convolve'>
  /** Number of the operation, and which of its filters. */
  readonly index: number
  readonly part: number
}

export interface Draft {
  readonly kind: Filter['kind']
  /** Whether each reads a value of its own, side by side with the others'. */
  readonly parallel: boolean
  readonly members: readonly Member[]
}

export interface Drafting {
  readonly graph: Graph
  readonly batchSize: number
  readonly readThrough: ReadonlyMap<ValueId, ReadThrough>
  /** Bytes that one binding can have. */
  readonly largestBinding: number
}

export const outputBytes = ({ graph, batchSize }: Pick<Drafting, 'graph' | 'batchSize'>, { filter }: Member): number =>
  alignedForParts(4 * batchSize * quadsOf(graph.values[filter.output]).perSample)

/** In the order in which they run. Operations must be in levels, so that those alike have the same neighbours. */
export function draftGroups(drafting: Drafting): Draft[] {
  const drafts: (Draft & { readonly members: Member[] })[] = []
  const makers = new Map<ValueId, number>()
  const alike = new Map<string, number>()
  const reads = countReads(drafting.graph)
  const join = (member: Member, open: number | undefined, parallel: boolean): number => {
    const draft = open === undefined ? undefined : drafts[open]
    const bytes = (draft?.members ?? []).concat(member).reduce((sum, each) => sum + outputBytes(drafting, each), 0)
    const fits = draft !== undefined && bytes <= drafting.largestBinding
    const number =
      fits && open !== undefined ? open : drafts.push({ kind: member.filter.kind, parallel, members: [] }) - 1
    drafts[number].members.push(member)
    makers.set(member.filter.output, number)
    return number
  }
  drafting.graph.operations.forEach((convolution, index) => {
    if (convolution.kind !== 'convolve') return
    const members = convolution.filters.map((filter, part): Member => ({ filter, convolution, index, part }))
    const maker = makers.get(drafting.readThrough.get(convolution.input)?.value ?? convolution.input)
    if (maker !== undefined && members.length === 1 && reads[convolution.input] === 1) {
      const key = `${maker} ${likeness(drafting, members[0])}`
      alike.set(key, join(members[0], alike.get(key), true))
      return
    }
    for (const kind of ['dense', 'depthwise'] as const) {
      let open: number | undefined
      for (const member of members) if (member.filter.kind === kind) open = join(member, open, false)
    }
  })
  return drafts.map(inOrderOfWidth)
}

/** What parallel filters have in common. */
function likeness({ graph, readThrough }: Drafting, { filter, convolution }: Member): string {
  const { input, relu } = convolution
  const extents = [input, filter.output].map((id) => Object.values(graph.values[id]).join('×'))
  return [filter.kind, relu, readThrough.has(input), ...extents].join(' ')
}

/** How often each value is read; a root counts once more. */
function countReads({ operations, values, network }: Graph): number[] {
  const reads = values.map(() => 0)
  for (const operation of operations) for (const input of inputsOf(operation)) reads[input]++
  for (const root of rootsOf(network)) reads[root]++
  return reads
}

/** Equally wide depthwise filters beside each other. */
const inOrderOfWidth = (draft: Draft): Draft =>
  draft.kind === 'dense'
    ? draft
    : { ...draft, members: draft.members.toSorted((a, b) => a.filter.window.width - b.filter.window.width) }
