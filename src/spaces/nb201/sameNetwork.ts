/**
 * Which architectures are the same network, so that one training serves them all. The benchmark's strings and the 5,390
 * functions (see `isomorphism.ts`) do not ask for that: both take one convolution that is used twice for two with weights
 * of their own, and both take a convolution of zeros for zeros, though its batch normalisation adds a learned shift.
 */
import type { Nb201Genotype } from './genotype.ts'
import { EDGES, edgesInto, NODES, type Operation } from './topology.ts'

/** A value is a sum of terms, sorted; none at all is zeros. */
type Terms = readonly string[]

/** The cell's input. */
const INPUT = '0'
/** A convolution of zeros, normalised: its batch normalisation's shift. */
const SHIFT = 'shift'

/**
 * A name that two architectures share exactly if their cells are one network: equal up to the order and nesting of sums,
 * and to which edge carries which weights. What does not reach the output is left out; average pooling, being linear,
 * stands on the single terms; convolutions written alike are numbered by their weights.
 */
export function networkOf({ operations }: Nb201Genotype): string {
  const names = numberings(alikeEdges(operations)).map((numbers) => write(outputOf(operations, numbers)))
  return names.sort()[0]
}

/**
 * Edges whose convolutions reach the output and are written alike when weights are not told apart; only groups of several.
 */
function alikeEdges(operations: readonly Operation[]): number[][] {
  const nodes = nodesOf(operations, new Map())
  const live = liveNodes(operations)
  const groups = new Map<string, number[]>()
  EDGES.forEach(({ from, to }, edge) => {
    if (!operations[edge].startsWith('nor_conv') || !live.has(to)) return
    const [term] = termsOf(operations[edge], nodes[from], '')
    groups.set(term, [...(groups.get(term) ?? []), edge])
  })
  return [...groups.values()].filter((edges) => edges.length > 1)
}

/** The nodes that the output depends on. */
function liveNodes(operations: readonly Operation[]): Set<number> {
  const live = new Set([NODES.length - 1])
  for (const node of NODES.toReversed()) {
    if (!live.has(node)) continue
    for (const { index, from } of edgesInto(node)) if (operations[index] !== 'none') live.add(from)
  }
  return live
}

/** All ways to number the edges within each group. */
function numberings(groups: readonly number[][]): ReadonlyMap<number, number>[] {
  return groups.reduce<ReadonlyMap<number, number>[]>(
    (all, group) =>
      all.flatMap((numbers) =>
        permutations(group).map((order) => new Map([...numbers, ...order.map((edge, i) => [edge, i] as const)])),
      ),
    [new Map()],
  )
}

function permutations(items: readonly number[]): number[][] {
  if (items.length <= 1) return [[...items]]
  return items.flatMap((first, i) => permutations(items.toSpliced(i, 1)).map((rest) => [first, ...rest]))
}

const outputOf = (operations: readonly Operation[], numbers: ReadonlyMap<number, number>): Terms =>
  nodesOf(operations, numbers)[NODES.length - 1]

/** The value of each node. */
function nodesOf(operations: readonly Operation[], numbers: ReadonlyMap<number, number>): Terms[] {
  const nodes: Terms[] = [[INPUT]]
  for (const node of NODES.slice(1)) {
    const terms = edgesInto(node).flatMap(({ index, from }) =>
      termsOf(operations[index], nodes[from], numbers.has(index) ? `.${numbers.get(index)}` : ''),
    )
    nodes.push(terms.sort())
  }
  return nodes
}

/** What an edge adds to the sum of its node. */
function termsOf(operation: Operation, input: Terms, number: string): Terms {
  switch (operation) {
    case 'none':
      return []
    case 'skip_connect':
      return input
    case 'avg_pool_3x3':
      return input.map((term) => (term.startsWith(SHIFT) ? term : `(${term})@${operation}`))
    case 'nor_conv_1x1':
    case 'nor_conv_3x3':
      return [input.length === 0 ? `${SHIFT}${number}` : `(${write(input)})@${operation}${number}`]
  }
}

const write = (terms: Terms) => terms.join('+')
