/** The records from which kernels know of the terms of all nodes: each with its place, its moments, and its group of norms. */
import type { ValueId } from '../../../../core/network.ts'
import type { Graph, Term } from '../../../graph/graph.ts'
import { RECORD } from '../../kernels/term.ts'
import type { State } from '../../plan/layout.ts'
import type { MomentPlace } from './momentPlaces.ts'
import type { GroupedNorm } from './normGroups.ts'
import { placedTerms, type TermPlace, type TermPlaces } from './termPlaces.ts'

/** Where terms and what they read stand. */
export interface TermPlacing {
  readonly graph: Graph
  readonly state: State
  readonly termPlaces: TermPlaces
  /** By the number of a combine. */
  readonly norms: ReadonlyMap<number, readonly GroupedNorm[]>
  /** Of values that are normalised. */
  readonly momentPlaces: ReadonlyMap<ValueId, MomentPlace>
}

/** The words that kernels read of all terms, one record after the other (`RECORD`). */
export function termRecords({ graph, state, termPlaces, norms, momentPlaces }: TermPlacing): number[] {
  return placedTerms(graph, termPlaces).flatMap(({ index, term, place }) =>
    recordOf(term, place, state, momentPlaces.get(term.value), membershipOf(index, norms.get(index) ?? [])),
  )
}

/** Of a term in a group of norms: which of it the term is, and where that stands. */
interface Membership {
  readonly among: number
  readonly norm: GroupedNorm
}

function membershipOf(index: number, group: readonly GroupedNorm[]): Membership | undefined {
  const among = group.findIndex((norm) => norm.index === index)
  return among < 0 ? undefined : { among, norm: group[among] }
}

function recordOf(
  { norm }: Term,
  place: TermPlace,
  state: State,
  moments: MomentPlace | undefined,
  grouped: Membership | undefined,
): number[] {
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
