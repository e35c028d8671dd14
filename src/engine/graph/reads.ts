/** Who reads the values of a graph. */
import type { ValueId } from '../../core/network.ts'
import { type Graph, inputsOf, rootsOf } from './graph.ts'

/** How often each value is read; a root counts once more. */
export function countReads({ operations, values, network }: Graph): number[] {
  const reads = values.map(() => 0)
  for (const operation of operations) for (const input of inputsOf(operation)) reads[input]++
  for (const root of rootsOf(network)) reads[root]++
  return reads
}

/** Outputs of dense convolutions that one normalised term reads, and nothing else. */
export function convolvedForOneNorm(graph: Graph): Set<ValueId> {
  const reads = countReads(graph)
  const normalised = new Set<ValueId>()
  const convolved: ValueId[] = []
  for (const operation of graph.operations) {
    if (operation.kind === 'combine') {
      for (const { value, norm } of operation.terms) if (norm !== null) normalised.add(value)
    } else if (operation.kind === 'convolve') {
      for (const { kind, output } of operation.filters) if (kind === 'dense') convolved.push(output)
    }
  }
  return new Set(convolved.filter((output) => normalised.has(output) && reads[output] === 1))
}
