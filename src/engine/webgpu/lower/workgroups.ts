/**
 * Decides how the work of a kernel is divided among workgroups: the matrix products of dense convolutions into tiles,
 * sums over all pixels of a batch into chunks.
 */
import type { Filter } from '../../graph/graph.ts'
import { columnLayout } from '../kernels/columnSums.ts'
import type { Tile } from '../kernels/convolve.ts'
import { DEPTHWISE_COLUMNS, DEPTHWISE_THREADS } from '../kernels/depthwise.ts'
import { type GradientTile, lanesFor } from '../kernels/filterGradient.ts'
import type { Quads } from './quads.ts'

/** Number of threads that most GPUs execute in lockstep (a warp); a workgroup occupies whole warps. */
const WARP = 32

/**
 * Shapes [columns, threads] of the tiles of dense convolutions to choose from; a column is a quad, four output
 * channels. The supported networks have 16·2^n, 36·2^n or 48·2^n channels; on 36 channels, 9 quads, a tile of 16 quads
 * would leave almost half of its threads idle. The rows, threads / columns, must be a power of two (`rowSum` in
 * `kernels/convolve.ts`).
 */
const TILES = [
  [16, 128],
  [12, 96],
  [9, 144],
  [8, 128],
  [4, 64],
] as const

const PIXELS_PER_THREAD = 8

/** Returns the cheapest tile for a dense convolution with `quads` groups of four output channels. */
export function tileFor(quads: number): Tile {
  const [columns, threads] = cheapest(TILES, ([columns, threads]) => {
    const rows = threads / columns
    return (Math.ceil(quads / columns) * costOf(columns, threads)) / rows
  })
  return { threads, columns, each: PIXELS_PER_THREAD, pixels: (threads / columns) * PIXELS_PER_THREAD }
}

/** With fewer workgroups than this, a convolution does not fully occupy a large GPU. */
const ENOUGH_WORKGROUPS = 256

/**
 * Returns the tile for a convolution result of `quads` groups of four channels and `pixels` pixels. Small results get
 * tiles of half as many pixels, so that more workgroups run.
 */
export function tileOver(quads: number, pixels: number): Tile {
  const tile = tileFor(quads)
  const count = Math.ceil(quads / tile.columns) * Math.ceil(pixels / tile.pixels)
  return count >= ENOUGH_WORKGROUPS ? tile : { ...tile, each: tile.each / 2, pixels: tile.pixels / 2 }
}

/**
 * Widths to choose from for tiles of filter gradients, in groups of four output channels. They are even, because the
 * number of threads (columns × lines) must be a multiple of the rows (lines × `ROW_QUADS_PER_THREAD`).
 */
const GRADIENT_COLUMNS = [16, 12, 10, 8, 4] as const
const GRADIENT_LINES = [8, 9] as const
const ROW_QUADS_PER_THREAD = 2

/**
 * The size of a dense filter's gradient, in quads (groups of four channels): `depth` = cells of the filter's window ×
 * quads of input channels, `columns` = quads of output channels.
 */
export interface GradientExtents {
  readonly depth: number
  readonly columns: number
}

/** Returns the cheapest tile for the gradients of dense filters that share a dispatch. */
export function gradientTileFor(filters: readonly GradientExtents[]): GradientTile {
  const candidates = GRADIENT_COLUMNS.flatMap((columns) =>
    GRADIENT_LINES.map((lines) => ({ threads: columns * lines, columns, rows: lines * ROW_QUADS_PER_THREAD })),
  )
  return cheapest(candidates, (tile) => {
    const tiles = filters.reduce((sum, filter) => sum + tilesAcross(filter, tile).reduce((a, b) => a * b), 0)
    return tiles * costOf(tile.columns, tile.threads)
  })
}

/** Returns how many tiles a filter's gradient needs along its rows and along its columns. */
export const tilesAcross = (
  { depth, columns }: GradientExtents,
  tile: GradientTile,
): readonly [rows: number, columns: number] => [Math.ceil(depth / tile.rows), Math.ceil(columns / tile.columns)]

/**
 * Returns an estimate of the cost of a tile: its threads, rounded up to whole warps, times 1 + 1/columns, because all
 * columns share the cost of loading the left factor of the matrix product.
 */
const costOf = (columns: number, threads: number): number => Math.ceil(threads / WARP) * WARP * (1 + 1 / columns)

/** Returns the item with the lowest cost; of several with equal cost, the first. */
const cheapest = <T>(items: readonly T[], costOf: (item: T) => number): T =>
  items.reduce((best, item) => (costOf(item) < costOf(best) ? item : best))

/**
 * Number of pixels that each thread adds up in a sum over pixels; larger if there would be more than `MOST_CHUNKS`
 * chunks. The number is small because late layers have only 4,096 pixels in a batch.
 */
const CHUNK_PIXELS_PER_THREAD = 4
const MOST_CHUNKS = 256

/** How the per-channel sum over all pixels of a batch is divided into chunks of pixels. */
export interface ColumnChunks {
  readonly count: number
  /** Number of workgroups per chunk that together cover all channels. */
  readonly blocks: number
  /** The kernel arguments `COLUMN_ARGS` (`kernels/columnSums.ts`) of a sum that is divided in this way. */
  readonly args: {
    readonly quads: number
    readonly block: number
    readonly lines: number
    readonly reach: number
    readonly pixelsPerSample: number
    readonly pixelsPerChunk: number
  }
}

/** Returns how the per-channel sum over all pixels of an activation tensor is divided into chunks. */
export function columnChunks({ quads, pixelsPerSample }: Quads, batchSize: number): ColumnChunks {
  const layout = columnLayout(quads)
  const pixels = batchSize * pixelsPerSample
  const pixelsPerChunk = Math.max(layout.lines * CHUNK_PIXELS_PER_THREAD, Math.ceil(pixels / MOST_CHUNKS))
  return {
    count: Math.ceil(pixels / pixelsPerChunk),
    blocks: Math.ceil(quads / layout.block),
    args: { ...layout, quads, pixelsPerSample, pixelsPerChunk },
  }
}

/** A convolution filter with the stored sizes of its input and output (channels padded to multiples of four). */
export interface SizedFilter {
  readonly filter: Filter
  readonly input: Quads
  /** Channels of the filter's input, not counting padding channels. */
  readonly inputChannels: number
  readonly output: Quads
}

/** Returns the size of a dense filter's gradient, in groups of four channels. */
export const gradientExtents = ({ filter: { window }, input, output }: SizedFilter): GradientExtents => ({
  depth: window.height * window.width * input.quads,
  columns: output.quads,
})

/**
 * Returns how many threads together reduce one chunk of pixels to partial sums of the gradients of all filters that
 * share a dispatch.
 */
export function threadsPerChunk(kind: Filter['kind'], filters: readonly SizedFilter[]): number {
  if (kind === 'depthwise') {
    const blocks = filters.map(({ filter, input }) => filter.window.height * Math.ceil(input.quads / DEPTHWISE_COLUMNS))
    return DEPTHWISE_THREADS * blocks.reduce((sum, own) => sum + own, 0)
  }
  const extents = filters.map(gradientExtents)
  const tile = gradientTileFor(extents)
  return extents.reduce((sum, own) => sum + tile.threads * tilesAcross(own, tile).reduce((a, b) => a * b), 0)
}

/**
 * How the gradient of a filter is divided into partial sums; `FILTER_FIELDS` in `kernels/records.ts` explains the
 * fields.
 */
export interface GradientChunks {
  readonly chunkCount: number
  readonly perChunk: number
  readonly lanes: number
  readonly rows: number
  readonly storedRows: number
  readonly denseRows: number
}

/**
 * Returns how the gradient of a filter is divided into partial sums.
 *
 * @param threads number of threads that reduce one chunk of pixels, from `threadsPerChunk`
 */
export function gradientChunks(sized: SizedFilter, threads: number, batchSize: number): GradientChunks {
  const { filter, input, inputChannels, output } = sized
  const { height, width } = filter.window
  const dense = filter.kind === 'dense'
  const { count: chunkCount, perChunk } = dense
    ? evenChunks(batchSize * output.pixelsPerSample, threads, 256, 16)
    : evenChunks(batchSize * output.height, threads, 16, 1)
  const [storedRows, denseRows] = dense ? [input.channels, inputChannels] : [1, 1]
  return { chunkCount, perChunk, lanes: lanesFor(chunkCount), rows: height * width * storedRows, storedRows, denseRows }
}

/** Number of threads that fully occupies a large GPU. */
const ENOUGH_THREADS = 2 ** 16

/**
 * Divides `items` (pixels, or rows of pixels) into equal chunks: as many as fully occupy the GPU if `threads` threads
 * work on each.
 *
 * @param fewest the number of items below which a chunk is not divided further
 * @param multiple the number of items in a chunk is a multiple of this
 */
function evenChunks(
  items: number,
  threads: number,
  fewest: number,
  multiple: number,
): { readonly count: number; readonly perChunk: number } {
  const wanted = Math.min(MOST_CHUNKS, Math.ceil(ENOUGH_THREADS / threads), Math.ceil(items / fewest))
  const perChunk = Math.ceil(items / wanted / multiple) * multiple
  return { count: Math.ceil(items / perChunk), perChunk }
}
