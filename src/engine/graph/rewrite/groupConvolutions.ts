/**
 * Convolutions of the same input, dense and depthwise, become one operation where the first of them stood: the input is staged once for all
 * edges that leave a node, and the way back sums their gradients before it goes through the shared ReLU.
 */
import type { Filter, Graph, Of, Operation } from '../graph.ts'

export function groupConvolutions(graph: Graph): Graph {
  const groups = new Map<string, Filter[]>()
  const operations = graph.operations.flatMap((operation): Operation[] => {
    if (operation.kind !== 'convolve') return [operation]
    const key = groupOf(operation)
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

const groupOf = ({ input, relu }: Of<'convolve'>) => `${input} ${relu}`
