/** Leaves out what nothing reads: values that other passes made superfluous, and branches that lead nowhere. */
import { type Graph, inputsOf, type Operation, outputsOf, rootsOf } from '../graph.ts'

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
