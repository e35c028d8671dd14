/** What kernels know of all terms and filters of a network: constant records, and memory that stays for each. */
import type { ValueId } from '../../../core/network.ts'
import type { Activity } from '../../graph/activity.ts'
import type { Graph } from '../../graph/graph.ts'
import { ROWS } from '../kernels/term.ts'
import type { State } from '../plan/layout.ts'
import type { Program } from '../plan/program.ts'
import { draftGroups } from './filters/filterDrafts.ts'
import { type FilterGroup, placeFilters } from './filters/filterPlaces.ts'
import { type PackedPlaces, placePackedBuffers } from './filters/packedBuffers.ts'
import { type MomentPlace, placeMoments } from './terms/momentPlaces.ts'
import { type GroupedNorm, groupNorms } from './terms/normGroups.ts'
import { findNormReaders } from './terms/normReaders.ts'
import { findReadThrough, type ReadThrough } from './terms/readThrough.ts'
import { placeTerms, type TermPlaces } from './terms/termPlaces.ts'
import { termRecords } from './terms/termRecords.ts'

export interface Site {
  readonly program: Program
  readonly graph: Graph
  readonly activity: Activity
  readonly state: State
  readonly batchSize: number
  /** Storage buffers that one kernel can name, and bytes that one can have. */
  readonly bindings: number
  readonly largestBinding: number
}

export interface Tables {
  readonly termPlaces: TermPlaces
  /** By the number of a combine. */
  readonly norms: ReadonlyMap<number, readonly GroupedNorm[]>
  readonly groups: readonly FilterGroup[]
  readonly packed: PackedPlaces
  /** Values the gradients wrt which are made where they are read, and never stored. */
  readonly made: ReadonlySet<ValueId>
  /** Of values that are never stored. */
  readonly readThrough: ReadonlyMap<ValueId, ReadThrough>
  /** Of values that are normalised. */
  readonly momentPlaces: ReadonlyMap<ValueId, MomentPlace>
  readonly termCount: number
  /** The terms' records, all their rows by channel, and where the last row of each begins and how long it is. */
  readonly terms: GPUBuffer
  readonly vectors: GPUBuffer
  readonly contributions: GPUBuffer
  /** By chunk. */
  readonly moments: GPUBuffer
  /** The filters' records. */
  readonly filters: GPUBuffer
  /** The activity, a word a flag. */
  readonly flags: GPUBuffer
}

export function makeTables(site: Site): Tables {
  const { program, graph, activity, batchSize } = site
  const termPlaces = placeTerms(graph)
  const places = [...termPlaces.values()].flat()
  const readThrough = findReadThrough(graph, termPlaces)
  const drafts = draftGroups({ ...site, readThrough })
  const { values: momentPlaces, quads } = placeMoments(graph, batchSize, drafts)
  const packed = placePackedBuffers({ ...site, readThrough }, drafts)
  const normReaders = findNormReaders(graph, termPlaces)
  const { groups, words } = placeFilters({ ...site, readThrough, packed, moments: momentPlaces, normReaders }, drafts)
  const made = new Set(groups.filter(({ gradientSources }) => gradientSources.length > 0).flatMap(outputsOf))
  const norms = groupNorms(graph, packed, made)
  const contribution = ROWS.indexOf('contribution')
  const rows = places.reduce((sum, place) => sum + ROWS.length * place.quads, 0)
  const tables = { termPlaces, norms, groups, packed, made, readThrough, momentPlaces, termCount: places.length }
  return {
    ...tables,
    terms: program.table(termRecords({ ...site, ...tables })),
    vectors: program.keep(16 * rows, 'scales and moments by channel'),
    contributions: program.table(places.flatMap((place) => [place.base + contribution * place.quads, place.quads])),
    moments: program.keep(16 * quads, 'the moments of normalised values'),
    filters: program.table(words),
    flags: program.keep(4 * activity.count, 'the activity'),
  }
}

const outputsOf = ({ filters }: FilterGroup) => filters.map(({ filter }) => filter.output)
