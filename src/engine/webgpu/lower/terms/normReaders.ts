/**
 * Outputs of convolutions that one normalised term, and nothing else, reads. The gradient wrt them is never stored: who
 * needs it makes it from the gradient wrt the node.
 */
import type { ValueId } from '../../../../core/network.ts'
import { convolvedForOneNorm } from '../../../graph/dataflow.ts'
import type { Graph } from '../../../graph/graph.ts'
import { placedTerms, type TermPlaces } from './termPlaces.ts'

export interface NormReader {
  /** The value of the node whose term it is. */
  readonly node: ValueId
  /** Where the rows of the term begin, in quads. */
  readonly base: number
}

export function findNormReaders(graph: Graph, places: TermPlaces): ReadonlyMap<ValueId, NormReader> {
  const outputs = convolvedForOneNorm(graph)
  const readers = placedTerms(graph, places).filter(({ term }) => outputs.has(term.value))
  return new Map(readers.map(({ combine, term, place }) => [term.value, { node: combine.output, base: place.base }]))
}
