/** What kernels know of all terms and filters of a network: constant records, and memory that stays for each. */
import type { ValueId } from '../../../core/network.ts'
import type { Activity } from '../../graph/activity.ts'
import type { Graph } from '../../graph/graph.ts'
import { ROWS } from '../kernels/norm.ts'
import type { State } from '../layout.ts'
import type { Program } from '../program.ts'
import { type ConvolutionPlaces, placeFilters } from './filterPlaces.ts'
import { type MomentPlace, placeMoments } from './momentPlaces.ts'
import { findNormReaders } from './normReaders.ts'
import { findReadThrough, type ReadThrough } from './readThrough.ts'
import { placeTerms, recordOf, type TermPlace } from './termPlaces.ts'

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
  /** By the number of a combine, and of a convolution. */
  readonly termPlaces: ReadonlyMap<number, readonly TermPlace[]>
  readonly convolutions: ReadonlyMap<number, ConvolutionPlaces>
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
  const { program, graph, activity, state, batchSize } = site
  const { values: momentPlaces, quads } = placeMoments(graph, batchSize)
  const termPlaces = placeTerms(graph)
  const places = [...termPlaces.values()].flat()
  const normReaders = findNormReaders(graph, termPlaces)
  const { convolutions, words } = placeFilters({ ...site, moments: momentPlaces, normReaders })
  const records = graph.operations.flatMap((operation, index) => {
    if (operation.kind !== 'combine') return []
    const own = termPlaces.get(index) ?? []
    return operation.terms.flatMap((term, part) => recordOf(term, own[part], state, momentPlaces.get(term.value)))
  })
  const contribution = ROWS.indexOf('contribution')
  const rows = places.reduce((sum, place) => sum + ROWS.length * place.quads, 0)
  return {
    ...{ termPlaces, convolutions, momentPlaces, termCount: places.length },
    readThrough: findReadThrough(graph, termPlaces),
    terms: program.table(records),
    vectors: program.keep(16 * rows, 'scales and moments by channel'),
    contributions: program.table(places.flatMap((place) => [place.base + contribution * place.quads, place.quads])),
    moments: program.keep(16 * quads, 'the moments of normalised values'),
    filters: program.table(words),
    flags: program.keep(4 * activity.count, 'the activity'),
  }
}
