/**
 * Outputs of convolutions that one normalised term, and nothing else, reads. The gradient wrt them is never stored: who
 * needs it makes it from the gradient wrt the node.
 */
import type { ValueId } from '../../../../core/network.ts'
import type { Graph } from '../../../graph/graph.ts'
import { convolvedForOneNorm } from '../../../graph/reads.ts'
import type { TermPlace } from './termPlaces.ts'

export interface NormReader {
  /** The value of the node whose term it is. */
  readonly node: ValueId
  /** Where the rows of the term begin, in quads. */
  readonly base: number
}

/** @param terms by the number of the operation */
export function findNormReaders(
  graph: Graph,
  terms: ReadonlyMap<number, readonly TermPlace[]>,
): ReadonlyMap<ValueId, NormReader> {
  const outputs = convolvedForOneNorm(graph)
  const readers = graph.operations.flatMap((operation, index) => {
    if (operation.kind !== 'combine') return []
    const places = terms.get(index) ?? []
    return operation.terms.map(
      ({ value }, part) => [value, { node: operation.output, base: places[part].base }] as const,
    )
  })
  return new Map(readers.filter(([value]) => outputs.has(value)))
}
