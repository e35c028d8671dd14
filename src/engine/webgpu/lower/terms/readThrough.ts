/**
 * Values that are one normalised value, and that only convolutions read: these read it, scaled and shifted on the way, and
 * the value itself is never stored.
 */
import type { ValueId } from '../../../../core/network.ts'
import { type Graph, inputsOf, rootsOf } from '../../../graph/graph.ts'
import { type PlacedTerm, placedTerms, type TermPlaces } from './termPlaces.ts'

export interface ReadThrough {
  /** What is normalised. */
  readonly value: ValueId
  /** Where the rows of the term begin, in quads. */
  readonly base: number
}

export function findReadThrough(graph: Graph, places: TermPlaces): ReadonlyMap<ValueId, ReadThrough> {
  const stored = new Set(rootsOf(graph.network))
  for (const operation of graph.operations) {
    if (operation.kind !== 'convolve') for (const input of inputsOf(operation)) stored.add(input)
  }
  // One with a coefficient can be off while its readers are not; then it is 0.
  const isReadThrough = ({ combine, term: { norm, factors } }: PlacedTerm) =>
    combine.terms.length === 1 && norm !== null && factors.length === 0 && !stored.has(combine.output)
  const found = placedTerms(graph, places).filter(isReadThrough)
  return new Map(found.map(({ combine, term, place }) => [combine.output, { value: term.value, base: place.base }]))
}
