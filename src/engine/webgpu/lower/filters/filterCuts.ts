/** How the gradients of filters are cut among workgroups, each of which leaves a partial sum. */
import type { Filter } from '../../../graph/graph.ts'
import { DEPTHWISE_COLUMNS } from '../../kernels/depthwise.ts'
import type { FilterRecord } from '../../kernels/filter.ts'
import { gradientTileFor, lanesFor } from '../../kernels/filterGradient.ts'
import { evenChunks } from '../chunks.ts'
import type { Quads } from '../quads.ts'

/** A filter with what it reads and makes. */
export interface FilterSite {
  readonly filter: Filter
  readonly input: Quads
  /** Channels of the input that are real. */
  readonly inputs: number
  readonly output: Quads
}

/** Workgroups for one chunk: side by side over the filter's rows, and over its columns. */
export function tilesOf({ filter, input, output }: FilterSite, columns: number): readonly [number, number] {
  const { height, width } = filter.window
  if (filter.kind === 'depthwise') return [height, Math.ceil(input.quads / DEPTHWISE_COLUMNS)]
  const { rows } = gradientTileFor(columns)
  return [Math.ceil((height * width * input.quads) / rows), Math.ceil(output.quads / columns)]
}

type Cuts = Pick<FilterRecord, 'chunkCount' | 'perChunk' | 'lanes' | 'rows' | 'storedRows' | 'denseRows'>

/** @param tiles workgroups for one chunk of all filters that a dispatch takes together */
export function cutsOf({ filter, input, inputs, output }: FilterSite, tiles: number, batchSize: number): Cuts {
  const { height, width } = filter.window
  const dense = filter.kind === 'dense'
  const { count: chunkCount, perChunk } = dense
    ? evenChunks(batchSize * output.pixelsPerSample, tiles, 256, 16)
    : evenChunks(batchSize * output.height, tiles, 16, 1)
  const [storedRows, denseRows] = dense ? [input.channels, inputs] : [1, 1]
  return { chunkCount, perChunk, lanes: lanesFor(chunkCount), rows: height * width * storedRows, storedRows, denseRows }
}
