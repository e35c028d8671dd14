/** Where each term of a node has its vectors and sums. */
import type { Graph, Of, Term } from '../../../graph/graph.ts'
import { ROWS } from '../../kernels/term.ts'
import { quadsOf } from '../quads.ts'

export interface TermPlace {
  /** Among all terms. */
  readonly number: number
  /** Its first row in `vectors`, in quads. */
  readonly base: number
  readonly quads: number
  /** Of its sum in `reduceProducts`, row 0 being Σ g; −1 where none is ever needed. */
  readonly productRow: number
}

/** When Σ g·(value − μ) is needed: of plain terms, where the gradient wrt the coefficients is wanted. */
export function hasProduct({ norm, factors }: Term): boolean {
  return norm !== null || factors.length > 0
}

/** Of each combine's terms, by the number of the operation. */
export type TermPlaces = ReadonlyMap<number, readonly TermPlace[]>

/** A term with its combine, the number of that, and its place. */
export interface PlacedTerm {
  readonly combine: Of<'combine'>
  readonly index: number
  readonly term: Term
  readonly place: TermPlace
}

/** All terms in their order. */
export function placedTerms({ operations }: Graph, places: TermPlaces): PlacedTerm[] {
  return operations.flatMap((combine, index) => {
    if (combine.kind !== 'combine') return []
    const own = places.get(index) ?? []
    return combine.terms.map((term, part) => ({ combine, index, term, place: own[part] }))
  })
}

export function placeTerms(graph: Graph): TermPlaces {
  const places = new Map<number, readonly TermPlace[]>()
  let number = 0
  let base = 0
  graph.operations.forEach((operation, index) => {
    if (operation.kind !== 'combine') return
    const { quads } = quadsOf(graph.values[operation.output])
    let productRow = 1
    const own = operation.terms.map((term): TermPlace => {
      const place = {
        ...{ number: number++, base, quads },
        productRow: hasProduct(term) ? productRow++ : -1,
      }
      base += ROWS.length * quads
      return place
    })
    places.set(index, own)
  })
  return places
}
