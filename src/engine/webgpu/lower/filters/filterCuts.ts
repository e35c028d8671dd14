/** How the gradients of filters are cut among workgroups, each of which leaves a partial sum. */
import type { Filter } from '../../../graph/graph.ts'
import { DEPTHWISE_COLUMNS, DEPTHWISE_THREADS } from '../../kernels/depthwise.ts'
import type { FilterRecord } from '../../kernels/filter.ts'
import { lanesFor } from '../../kernels/filterGradient.ts'
import { evenChunks } from '../chunks.ts'
import type { Quads } from '../quads.ts'
import { type GradientExtents, gradientTileFor, tilesAcross } from './tiles.ts'

/** A filter with what it reads and makes. */
export interface FilterSite {
  readonly filter: Filter
  readonly input: Quads
  /** Channels of the input that are real. */
  readonly inputs: number
  readonly output: Quads
}

/** Of a dense filter's gradient. */
export const extentsOf = ({ filter: { window }, input, output }: FilterSite): GradientExtents => ({
  depth: window.height * window.width * input.quads,
  columns: output.quads,
})

/** Threads for one chunk of the gradients of all filters that dispatches take together. */
export function threadsOfChunk(kind: Filter['kind'], sites: readonly FilterSite[]): number {
  if (kind === 'depthwise') {
    const blocks = sites.map(({ filter, input }) => filter.window.height * Math.ceil(input.quads / DEPTHWISE_COLUMNS))
    return DEPTHWISE_THREADS * blocks.reduce((sum, own) => sum + own, 0)
  }
  const extents = sites.map(extentsOf)
  const tile = gradientTileFor(extents)
  return extents.reduce((sum, own) => sum + tile.threads * tilesAcross(own, tile).reduce((a, b) => a * b), 0)
}

type Cuts = Pick<FilterRecord, 'chunkCount' | 'perChunk' | 'lanes' | 'rows' | 'storedRows' | 'denseRows'>

/** @param threads for one chunk of all filters that dispatches take together */
export function cutsOf({ filter, input, inputs, output }: FilterSite, threads: number, batchSize: number): Cuts {
  const { height, width } = filter.window
  const dense = filter.kind === 'dense'
  const { count: chunkCount, perChunk } = dense
    ? evenChunks(batchSize * output.pixelsPerSample, threads, 256, 16)
    : evenChunks(batchSize * output.height, threads, 16, 1)
  const [storedRows, denseRows] = dense ? [input.channels, inputs] : [1, 1]
  return { chunkCount, perChunk, lanes: lanesFor(chunkCount), rows: height * width * storedRows, storedRows, denseRows }
}
