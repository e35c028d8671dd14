/**
 * Values that are one normalised value, and that only convolutions read: these read it, scaled and shifted on the way, and
 * the value itself is never stored.
 */
import type { ValueId } from '../../../../core/network.ts'
import { type Graph, inputsOf, rootsOf } from '../../../graph/graph.ts'
import type { TermPlace } from './termPlaces.ts'

export interface ReadThrough {
  /** What is normalised. */
  readonly value: ValueId
  /** Where the rows of the term begin, in quads. */
  readonly base: number
}

/** @param terms by the number of the operation */
export function findReadThrough(
  graph: Graph,
  terms: ReadonlyMap<number, readonly TermPlace[]>,
): ReadonlyMap<ValueId, ReadThrough> {
  const stored = new Set(rootsOf(graph.network))
  for (const operation of graph.operations) {
    if (operation.kind !== 'convolve') for (const input of inputsOf(operation)) stored.add(input)
  }
  const found = new Map<ValueId, ReadThrough>()
  graph.operations.forEach((operation, index) => {
    if (operation.kind !== 'combine' || stored.has(operation.output) || operation.terms.length !== 1) return
    const [{ value, norm, factors }] = operation.terms
    const [{ base }] = terms.get(index) ?? []
    // One with a coefficient can be off while its readers are not; then it is 0.
    if (norm !== null && factors.length === 0) found.set(operation.output, { value, base })
  })
  return found
}
