/**
 * Rewrites a graph of operations into a cheaper one with the same outputs and gradients, by several passes in a fixed
 * order. Each pass takes a graph and returns a graph.
 */
import type { ValueId } from '../../core/network.ts'
import { countReads } from './dataflow.ts'
import { type Filter, type Graph, inputsOf, type Of, type Operation, outputsOf, rootsOf, type Term } from './graph.ts'

/** A function that rewrites a graph into a cheaper one with the same outputs and gradients. */
type Pass = (graph: Graph) => Graph

const live: readonly Pass[] = [inlineCombines, foldRelu, dropUnread, groupConvolutions]
const frozen: readonly Pass[] = [inlineCombines, freezeActivations, dropUnread, groupConvolutions]

/**
 * Returns a graph that computes the same with fewer or cheaper operations: the result of all rewriting passes.
 *
 * @param activations which entries of their input ReLUs and max poolings let through: `live`, those that the values of
 * the input decide; `frozen`, those that were recorded on an earlier batch
 */
export function rewrite(graph: Graph, activations: 'live' | 'frozen' = 'live'): Graph {
  return (activations === 'live' ? live : frozen).reduce((current, pass) => pass(current), graph)
}

/**
 * Merges nested weighted sums: if the output of an inner `combine` operation is read only once, by an outer `combine`
 * without batch norm, the inner terms become terms of the outer sum,
 *
 * \n   Σ_i a_i·(Σ_j b_ij·x_ij) = Σ_ij a_i·b_ij·x_ij.
 *
 * A node of a cell then normalises and adds up the operations of all its edges in one operation; neither the mixed
 * value of an edge nor a normalised output is stored.
 */
export function inlineCombines(graph: Graph): Graph {
  const reads = countReads(graph)
  const inlined = new Map<ValueId, readonly Term[]>()
  const expand = (term: Term): readonly Term[] => {
    const inner = term.norm === null && reads[term.value] === 1 ? inlined.get(term.value) : undefined
    if (inner === undefined) return [term]
    return inner.map((part) => ({ ...part, factors: [...term.factors, ...part.factors] }))
  }
  const operations = graph.operations.map((operation): Operation => {
    if (operation.kind !== 'combine') return operation
    const terms = operation.terms.flatMap(expand)
    inlined.set(operation.output, terms)
    return { ...operation, terms }
  })
  return { ...graph, operations }
}

/**
 * Moves each ReLU into the convolutions that read it: conv(relu(x)) reads x and applies the ReLU while it loads its
 * input. The output of the ReLU is never stored, and the backward pass recomputes from x which entries were positive.
 */
export function foldRelu(graph: Graph): Graph {
  const rectified = new Map<ValueId, ValueId>()
  const operations = graph.operations.map((operation): Operation => {
    if (operation.kind === 'relu') rectified.set(operation.output, operation.input)
    if (operation.kind !== 'convolve') return operation
    const input = rectified.get(operation.input)
    return input === undefined ? operation : { ...operation, input, relu: true }
  })
  return { ...graph, operations }
}

/**
 * Replaces ReLUs and max poolings by their frozen forms, which let through the entries of a recorded mask. A frozen
 * ReLU stays an operation of its own, because a ReLU that is computed inside a convolution has no mask to record.
 */
export function freezeActivations(graph: Graph): Graph {
  return { ...graph, operations: graph.operations.map(frozenForm) }
}

/**
 * Returns the frozen form of a ReLU or max pooling, which lets through the entries of a recorded mask; other operations
 * are returned unchanged.
 */
function frozenForm(operation: Operation): Operation {
  if (operation.kind === 'relu') return { ...operation, kind: 'frozenRelu' }
  return operation.kind === 'maxPool' ? { ...operation, kind: 'frozenMaxPool' } : operation
}

/**
 * Drops operations whose outputs are read neither by another operation nor by the caller (who reads logits, features
 * and observed activations): operations that other passes made superfluous, and branches without effect.
 */
export function dropUnread(graph: Graph): Graph {
  const read = new Set(rootsOf(graph.network))
  const kept: Operation[] = []
  for (const operation of graph.operations.toReversed()) {
    if (!outputsOf(operation).some((output) => read.has(output))) continue
    for (const input of inputsOf(operation)) read.add(input)
    kept.push(operation)
  }
  return { ...graph, operations: kept.reverse() }
}

/**
 * Merges all convolutions that read the same input, dense and depthwise, into one operation in the place of the first
 * of them. The input is then loaded once for all edges that leave a node of a cell, and the backward pass adds up
 * their input gradients before it applies the mask of the ReLU that they share.
 */
export function groupConvolutions(graph: Graph): Graph {
  const groups = new Map<string, Filter[]>()
  const operations = graph.operations.flatMap((operation): Operation[] => {
    if (operation.kind !== 'convolve') return [operation]
    const key = groupKey(operation)
    const filters = groups.get(key)
    if (filters !== undefined) {
      filters.push(...operation.filters)
      return []
    }
    const own = [...operation.filters]
    groups.set(key, own)
    return [{ ...operation, filters: own }]
  })
  return { ...graph, operations }
}

const groupKey = ({ input, relu }: Of<'convolve'>) => `${input} ${relu}`

/**
 * Sorts operations by depth, the length of the longest path from the network's input, so that operations which do not
 * depend on each other are neighbours.
 */
export function orderByDepth(graph: Graph): Graph {
  const depths = new Map<ValueId, number>()
  const placed = graph.operations.map((operation) => {
    const depth = 1 + Math.max(0, ...inputsOf(operation).map((input) => depths.get(input) ?? 0))
    for (const output of outputsOf(operation)) depths.set(output, depth)
    return { operation, depth }
  })
  const operations = placed.toSorted((a, b) => a.depth - b.depth).map(({ operation }) => operation)
  return { ...graph, operations }
}
