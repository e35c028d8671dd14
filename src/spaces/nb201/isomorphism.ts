/**
 * Decides which architectures of NAS-Bench-201 are the same, in three senses: by the string of the benchmark's code, by
 * the function that the cell computes, and by the network with its weights. If two architectures have the same network,
 * one training serves both in a table.
 */
import type { Nb201Genotype } from './genotype.ts'
import { ARCHITECTURE_COUNT, atIndex } from './officialOrder.ts'
import { EDGES, edgesInto, NODES, type Operation } from './topology.ts'

/** The symbol for a tensor of zeros in the string of a cell. */
const ZERO = '#'
/** The symbol for the input of the cell in the string of a cell. */
const INPUT = '0'

/**
 * Returns the string by which NAS-Bench-201's published code compares cells, for example `#+#+#+0`. `none` and
 * operations on zeros are written `#`, a skip connection is written as its input, sums are sorted. A sum of zeros is
 * not written as zeros, so some cells that compute the same function have different strings: 6,466 strings in all.
 */
export function uniqueString(genotype: Nb201Genotype): string {
  return outputOf(genotype, (terms) => terms.join('+'))
}

/**
 * Returns a string for the function that a cell computes: the string of `uniqueString`, where terms that are always zero
 * (`none` edges) are left out of each sum. It is `#` if no path leads from input to output. The 15,625 cells have 5,390
 * different strings. Nested sums stay nested, and an operation whose result is used twice is written twice.
 */
export function functionString(genotype: Nb201Genotype): string {
  return outputOf(genotype, (terms) => terms.filter((term) => term !== ZERO).join('+') || ZERO)
}

/**
 * Writes the cell's output node as an expression in the cell's input.
 * @param sum formats the sum of a node's sorted terms
 */
function outputOf({ operations }: Nb201Genotype, sum: (sortedTerms: readonly string[]) => string): string {
  const nodes = [INPUT]
  for (const node of NODES.slice(1)) {
    const terms = edgesInto(node).map(({ index, from }) => apply(operations[index], nodes[from]))
    nodes.push(sum(terms.sort()))
  }
  return nodes[nodes.length - 1]
}

function apply(operation: Operation, input: string): string {
  if (operation === 'none' || input === ZERO) return ZERO
  return operation === 'skip_connect' ? input : `(${input})@${operation}`
}

/** Tells whether a path of operations other than `none` leads from the input of the cell to its output. */
export const isConnected = (genotype: Nb201Genotype): boolean => functionString(genotype) !== ZERO

/** Groups the indices of all 15,625 architectures by the function they compute; groups and indices are ascending. */
export function functionalClasses(): readonly (readonly number[])[] {
  const classes = new Map<string, number[]>()
  for (let index = 0; index < ARCHITECTURE_COUNT; index++) {
    const name = functionString(atIndex(index))
    const members = classes.get(name)
    if (members === undefined) classes.set(name, [index])
    else members.push(index)
  }
  return [...classes.values()]
}

/** The value of a cell's node, written as the sorted terms of a sum; an empty list is a tensor of zeros. */
type Terms = readonly string[]

/** The symbol for a batch-normalised convolution of zeros, whose result is the learned shift of its batch norm. */
const SHIFT = 'shift'

/**
 * Returns a string that is equal for two architectures exactly if their cells are the same network, so that one
 * training serves both. Same means: up to the order and nesting of sums, and up to which edge carries which weights.
 * Operations that do not reach the output are left out. Average pooling is linear, so it is written on every term of
 * its input. Convolutions with equal strings are numbered to tell their weights apart.
 *
 * Neither the benchmark's string nor `functionString` decides this: both take one convolution that is used twice for
 * two convolutions, and both take a convolution of zeros for zeros, although its batch normalisation adds a learned
 * shift.
 */
export function trainingKey({ operations }: Nb201Genotype): string {
  const keys = numberings(alikeEdges(operations)).map((numbers) => write(outputTerms(operations, numbers)))
  return keys.sort()[0]
}

/**
 * Finds groups of edges that must be numbered to tell their weights apart: two or more convolutions that reach the
 * output and otherwise have equal strings.
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

/** Returns the nodes of a cell that its output depends on. */
function liveNodes(operations: readonly Operation[]): Set<number> {
  const live = new Set([NODES.length - 1])
  for (const node of NODES.toReversed()) {
    if (!live.has(node)) continue
    for (const { index, from } of edgesInto(node)) if (operations[index] !== 'none') live.add(from)
  }
  return live
}

/** Returns all ways to number the edges within each group of alike convolutions, each as a map from edge to number. */
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

/**
 * Writes the output of a cell as the terms of a sum.
 * @param numbers number of a convolution's edge, where strings are alike
 */
const outputTerms = (operations: readonly Operation[], numbers: ReadonlyMap<number, number>): Terms =>
  nodesOf(operations, numbers)[NODES.length - 1]

/**
 * Writes each node of a cell as the terms of a sum.
 * @param numbers number of an edge, which tells convolutions with equal strings apart
 */
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

/** Returns the terms that an edge's operation adds to the sum of the node that the edge ends in. */
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
