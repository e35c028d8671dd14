/**
 * A sum of sums is one sum: a combine that only another combine reads, without normalisation, gives it its terms,
 *
 *   Σ_i a_i·(Σ_j b_ij·x_ij) = Σ_ij a_i·b_ij·x_ij.
 *
 * So a node adds up the operations of all its edges at once, normalises each on the way, and the edges' mixed values
 * and the normalised outputs are never stored.
 */
import type { ValueId } from '../../../core/network.ts'
import type { Graph, Operation, Term } from '../graph.ts'
import { countReads } from '../reads.ts'

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
