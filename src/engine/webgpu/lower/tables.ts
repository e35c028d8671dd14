/** Plans the terms and filters of a network, and creates the tables and buffers that its kernels share. */
import type { Activity } from '../../graph/activity.ts'
import type { Graph } from '../../graph/graph.ts'
import { ROWS } from '../kernels/records.ts'
import type { State } from '../plan/layout.ts'
import type { Program } from '../plan/program.ts'
import { encodeFilters, type FilterPlan, type FilterSite, planFilters } from './filterPlan.ts'
import { encodeTerms, type GroupedNorm, groupNorms, planTerms, type TermPlan } from './termPlan.ts'

/** The network, its state and the device limits from which the tables are made. */
export interface Site extends FilterSite {
  readonly program: Program
  readonly graph: Graph
  readonly activity: Activity
  readonly state: State
}

/** The plans of a network's terms and filters, and the buffers with their records and results. */
export interface Tables {
  readonly terms: TermPlan
  readonly filters: FilterPlan
  /** The groups of normalisations that share dispatches, by the number of each combine operation in them. */
  readonly norms: ReadonlyMap<number, readonly GroupedNorm[]>
  readonly termCount: number
  /** The records of all terms and of all filters. */
  readonly termRecords: GPUBuffer
  readonly filterRecords: GPUBuffer
  /** The rows of all terms, by channel (`ROWS` in `kernels/records.ts`). */
  readonly vectors: GPUBuffer
  /** For each term where its row `contribution` begins, and the length of the row, in quads. */
  readonly contributions: GPUBuffer
  /** The moments of all normalised values, by chunk of pixels. */
  readonly moments: GPUBuffer
  /** The activity flags, one word each. */
  readonly flags: GPUBuffer
}

export function makeTables(site: Site): Tables {
  const { program, graph, activity, state } = site
  const terms = planTerms(graph)
  const filters = planFilters(site, terms)
  const norms = groupNorms(graph, filters)
  const places = [...terms.places.values()].flat()
  const contribution = ROWS.indexOf('contribution')
  const rows = places.reduce((sum, place) => sum + ROWS.length * place.quads, 0)
  return {
    ...{ terms, filters, norms, termCount: places.length },
    termRecords: program.table(encodeTerms(graph, state, terms, filters.moments, norms)),
    vectors: program.keep(16 * rows, 'scales and moments by channel'),
    contributions: program.table(places.flatMap((place) => [place.base + contribution * place.quads, place.quads])),
    moments: program.keep(16 * filters.moments.quads, 'the moments of normalised values'),
    filterRecords: program.table(encodeFilters(graph, activity, state, filters)),
    flags: program.keep(4 * activity.count, 'the activity flags'),
  }
}
