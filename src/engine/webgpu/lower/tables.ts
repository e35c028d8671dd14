/**
 * Plans where the data of a network's convolution filters and terms (summands of nodes) are stored, and creates the GPU
 * tables and buffers that all its kernels share.
 */
import type { Activity } from '../../graph/activity.ts'
import type { Graph } from '../../graph/graph.ts'
import { encodeRecord, FILTER_FIELDS, type FilterRecord, ROWS } from '../kernels/records.ts'
import type { State } from '../plan/layout.ts'
import type { Program } from '../plan/program.ts'
import { type FilterPlan, type FilterSite, planFilters } from './filterPlan.ts'
import { encodeTerms, type GroupedNorm, groupNorms, planTerms, type TermPlan } from './termPlan.ts'

/** What `makeTables` needs: the network's graph, the buffers of its state on the GPU, and the limits of the device. */
export interface Site extends FilterSite {
  readonly program: Program
  readonly graph: Graph
  readonly activity: Activity
  readonly state: State
}

/** The plans of a network's terms and filters, and the GPU buffers with their records and per-channel data. */
export interface Tables {
  readonly terms: TermPlan
  readonly filters: FilterPlan
  /**
   * For the index of each combine operation that is emitted in a group (`groupNorms`): the batch normalisations of that
   * group.
   */
  readonly norms: ReadonlyMap<number, readonly GroupedNorm[]>
  readonly termCount: number
  /** Tables of fixed-length records from which kernels read the offsets and sizes of every term and of every filter. */
  readonly termRecords: GPUBuffer
  readonly filterRecords: GPUBuffer
  /**
   * The per-channel scale, shift, mean, variance and gradient coefficients of every term (`ROWS` in
   * `kernels/records.ts`).
   */
  readonly vectors: GPUBuffer
  /** For each term the offset and the length of its row `contribution` in `vectors`, in groups of four channels. */
  readonly contributions: GPUBuffer
  /**
   * Batch moments (means and sums of squared deviations) of all batch-normalised activation tensors, for every channel
   * and chunk of pixels.
   */
  readonly moments: GPUBuffer
  /** One 32-bit word for each part of the network that can be switched off: 1 if it runs in this step, else 0. */
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

/** Encodes the record of each filter as 32-bit words (`FILTER_FIELDS` in `kernels/records.ts`), filter by filter. */
export function encodeFilters(graph: Graph, activity: Activity, state: State, { groups }: FilterPlan): number[] {
  return groups.flatMap(({ filters, partials }) =>
    filters.flatMap((planned) => {
      const { filter, output, operation, part, moments, outputNorm, chunks } = planned
      const { height: kernelHeight, width: kernelWidth, ...steps } = filter.window
      const { height, width, quads } = output
      const record: FilterRecord = {
        flag: activity.ofPart(operation, part),
        weightOffset: state.parameterOffsets[filter.parameter],
        ...{ kernelHeight, kernelWidth, ...steps },
        ...{ height, width, quads, channels: graph.values[filter.output].channels },
        inputOffset: planned.inputOffset / 16,
        inputGradientOffset: planned.inputGradientOffset / 16,
        inputNorm: planned.inputNorm,
        outputOffset: planned.outputOffset / 16,
        moments: moments?.offset,
        tracked: moments && Number(moments.tracked),
        outputNorm: outputNorm?.base,
        gradientSource: outputNorm?.source,
        gradientSourceOffset: outputNorm && outputNorm.sourceOffset / 16,
        partialsOffset: planned.partialsOffset / 16,
        groupPartialsOffset: partials.offset / 16,
        ...chunks,
      }
      return encodeRecord(FILTER_FIELDS, record)
    }),
  )
}
