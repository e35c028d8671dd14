/**
 * Operations in order of their depth, the longest way that leads to them: what can run side by side stands side by side.
 */
import type { ValueId } from '../../core/network.ts'
import { type Graph, inputsOf, outputsOf } from './graph.ts'

export function inLevels(graph: Graph): Graph {
  const depths = new Map<ValueId, number>()
  const placed = graph.operations.map((operation) => {
    const depth = 1 + Math.max(0, ...inputsOf(operation).map((input) => depths.get(input) ?? 0))
    for (const output of outputsOf(operation)) depths.set(output, depth)
    return { operation, depth }
  })
  const operations = placed.toSorted((a, b) => a.depth - b.depth).map(({ operation }) => operation)
  return { ...graph, operations }
}
