/** How sums over all pixels of a batch are cut into chunks, each a workgroup's. */
import { columnLayout } from '../kernels/columnSums.ts'
import type { Quads } from './quads.ts'

/** Pixels of one thread, unless that made too many chunks; few, since a late layer has no more than 4,096 pixels. */
const PIXELS_OF_A_THREAD = 4
const MOST_CHUNKS = 256

/** For sums by channel. */
export interface ColumnChunks {
  readonly count: number
  /** Workgroups side by side over the channels. */
  readonly blocks: number
  /** `COLUMN_ARGS` */
  readonly args: {
    readonly quads: number
    readonly block: number
    readonly lines: number
    readonly reach: number
    readonly pixelsPerSample: number
    readonly pixelsPerChunk: number
  }
}

export function columnChunks({ quads, pixelsPerSample }: Quads, batchSize: number): ColumnChunks {
  const layout = columnLayout(quads)
  const pixels = batchSize * pixelsPerSample
  const pixelsPerChunk = Math.max(layout.lines * PIXELS_OF_A_THREAD, Math.ceil(pixels / MOST_CHUNKS))
  return {
    count: Math.ceil(pixels / pixelsPerChunk),
    blocks: Math.ceil(quads / layout.block),
    args: { ...layout, quads, pixelsPerSample, pixelsPerChunk },
  }
}

/** Threads that keep a large device busy. */
const BUSY = 2 ** 16

/**
 * Cuts `items` (pixels, or rows of them) into so many chunks that, with `threads` for each, the device is busy.
 *
 * @param fewest items that a chunk is worth making for
 * @param multiple of which a chunk has a whole number
 */
export function evenChunks(
  items: number,
  threads: number,
  fewest: number,
  multiple: number,
): { readonly count: number; readonly perChunk: number } {
  const wanted = Math.min(MOST_CHUNKS, Math.ceil(BUSY / threads), Math.ceil(items / fewest))
  const perChunk = Math.ceil(items / wanted / multiple) * multiple
  return { count: Math.ceil(items / perChunk), perChunk }
}
