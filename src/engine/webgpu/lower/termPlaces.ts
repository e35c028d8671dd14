/** Where each term of a node has its vectors and sums, and the records from which kernels know. */
import type { Graph, Term } from '../../graph/graph.ts'
import { RECORD, ROWS } from '../kernels/term.ts'
import type { State } from '../layout.ts'
import type { MomentPlace } from './momentPlaces.ts'
import type { GroupedNorm } from './normGroups.ts'
import { quadsOf } from './quads.ts'

export interface TermPlace {
  /** Among all terms. */
  readonly number: number
  /** Its first row in `vectors`, in quads. */
  readonly base: number
  readonly quads: number
  /** Of its sum in `project`, row 0 being Σ g; −1 where none is ever needed. */
  readonly productRow: number
}

/** When Σ g·(value − μ) is needed: of plain terms, where the gradient wrt the coefficients is wanted. */
export function isProjected({ norm, factors }: Term): boolean {
  return norm !== null || factors.length > 0
}

/** Of each combine's terms, by the number of the operation. */
export function placeTerms(graph: Graph): ReadonlyMap<number, readonly TermPlace[]> {
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
        productRow: isProjected(term) ? productRow++ : -1,
      }
      base += ROWS.length * quads
      return place
    })
    places.set(index, own)
  })
  return places
}

/** What a term's record says beside the term and its place. */
export interface TermReading {
  readonly moments: MomentPlace | undefined
  /** In a group of norms: which of it the term is, and where. */
  readonly grouped?: { readonly among: number; readonly norm: GroupedNorm }
}

/** The words that kernels read of a term (`RECORD`). */
export function recordOf({ norm }: Term, place: TermPlace, state: State, { moments, grouped }: TermReading): number[] {
  const affine = norm?.affine
  const statistics = norm?.statistics ?? null
  const record: Readonly<Record<(typeof RECORD)[number], number>> = {
    base: place.base,
    gammaPlus1: affine ? state.parameterOffsets[affine.scale] + 1 : 0,
    beta: affine ? state.parameterOffsets[affine.shift] : 0,
    runningPlus1: statistics === null ? 0 : state.statisticsOffsets[statistics] + 1,
    normalised: norm === null ? 0 : 1,
    moments: moments?.at ?? 0,
    pixelsPerChunk: moments?.pixelsPerChunk ?? 1,
    productRowPlus1: grouped ? 2 * grouped.among + 2 : place.productRow + 1,
    gradientRow: grouped ? 2 * grouped.among : 0,
    valuePlane: (grouped?.norm.valueOffset ?? 0) / 16,
    gradientPlane: (grouped?.norm.gradientOffset ?? 0) / 16,
  }
  return RECORD.map((name) => record[name])
}
