/**
 * Which filters dispatches take together: all of one kind that read the same value, and all alike of which each reads a
 * value of its own where these values are made together.
 */
import type { ValueId } from '../../../../core/network.ts'
import { countReads } from '../../../graph/dataflow.ts'
import type { Filter, Graph, Of } from '../../../graph/graph.ts'
import { alignedForParts } from '../../plan/storage.ts'
import { quadsOf } from '../quads.ts'
import type { ReadThrough } from '../terms/readThrough.ts'

/** A filter with the convolution that it is of. */
export interface Member {
  readonly filter: Filter
  readonly convolution: Of<'convolve'>
  /** Number of the operation, and which of its filters. */
  readonly index: number
  readonly part: number
}

export interface GroupDraft {
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

/** Of a value in a buffer that it shares. */
export const sharedBytes = ({ graph, batchSize }: Pick<Drafting, 'graph' | 'batchSize'>, value: ValueId): number =>
  alignedForParts(4 * batchSize * quadsOf(graph.values[value]).perSample)

/** In the order in which they run. Operations must be in levels, so that those alike have the same neighbours. */
export function draftGroups(drafting: Drafting): GroupDraft[] {
  const drafts = new Drafts(drafting)
  const reads = countReads(drafting.graph)
  drafting.graph.operations.forEach((convolution, index) => {
    if (convolution.kind !== 'convolve') return
    const { input, filters } = convolution
    const members = filters.map((filter, part): Member => ({ filter, convolution, index, part }))
    const maker = drafts.maker(drafting.readThrough.get(input)?.value ?? input)
    const alone = maker !== undefined && members.length === 1 && reads[input] === 1
    for (const member of members) {
      drafts.join(member, alone ? `${maker} ${likeness(drafting, member)}` : `${index} ${member.filter.kind}`, alone)
    }
  })
  return drafts.all.map(inOrderOfWidth)
}

class Drafts {
  readonly all: (GroupDraft & { readonly members: Member[] })[] = []
  readonly #drafting: Drafting
  readonly #makers = new Map<ValueId, number>()
  /** The last draft of each key. */
  readonly #open = new Map<string, number>()

  constructor(drafting: Drafting) {
    this.#drafting = drafting
  }

  /** Number of the draft that makes a value. */
  maker(value: ValueId): number | undefined {
    return this.#makers.get(value)
  }

  /** Adds a filter to the last draft of the same key, or begins one where a binding has no room for more. */
  join(member: Member, key: string, parallel: boolean): void {
    let number = this.#open.get(key)
    if (number === undefined || !this.#fits([...this.all[number].members, member], parallel)) {
      number = this.all.push({ kind: member.filter.kind, parallel, members: [] }) - 1
    }
    this.all[number].members.push(member)
    this.#open.set(key, number)
    this.#makers.set(member.filter.output, number)
  }

  /** Whether one binding can have all outputs, and all inputs where each has its own. */
  #fits(members: readonly Member[], parallel: boolean): boolean {
    const sides = [members.map(({ filter }) => filter.output), members.map(({ convolution }) => convolution.input)]
    const bytes = sides.map((ids) => ids.reduce((sum, id) => sum + sharedBytes(this.#drafting, id), 0))
    return Math.max(...(parallel ? bytes : bytes.slice(0, 1))) <= this.#drafting.largestBinding
  }
}

/** What parallel filters have in common. */
function likeness({ graph, readThrough }: Drafting, { filter, convolution }: Member): string {
  const { input, relu } = convolution
  const extents = [input, filter.output].map((id) => Object.values(graph.values[id]).join('×'))
  return [filter.kind, relu, readThrough.has(input), ...extents].join(' ')
}

/** Equally wide depthwise filters beside each other. */
const inOrderOfWidth = (draft: GroupDraft): GroupDraft =>
  draft.kind === 'dense'
    ? draft
    : { ...draft, members: draft.members.toSorted((a, b) => a.filter.window.width - b.filter.window.width) }
