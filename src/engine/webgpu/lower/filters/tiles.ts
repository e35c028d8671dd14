/**
 * How workgroups cut the products of dense convolutions. Networks have 16·2^n channels, and 36·2^n or 48·2^n: a tile of
 * 16 quads would leave half of its threads idle over 9 of them.
 */
import type { GradientTile } from '../../kernels/filterGradient.ts'
import type { Tile } from '../../kernels/product.ts'

/** Threads that most GPUs run together: a workgroup takes a whole number of these. */
const WARP = 32

/** Columns and threads; the rows of a tile, threads over columns, are a power of two (see `tileMoments.ts`). */
const TILES = [
  [16, 128],
  [12, 96],
  [9, 144],
  [8, 128],
  [4, 64],
] as const

/** Pixels of a thread. */
const MOST_PIXELS = 8

/** The tile for so many quads of channels. */
export function tileFor(quads: number): Tile {
  const [columns, threads] = cheapest(TILES, ([columns, threads]) => {
    const rows = threads / columns
    return (Math.ceil(quads / columns) * costOf(columns, threads)) / rows
  })
  return { threads, columns, each: MOST_PIXELS, pixels: (threads / columns) * MOST_PIXELS }
}

/** Workgroups with which a large device is not busy yet. */
const FEW = 256

/** The same where nothing else depends on the tile: of fewer pixels, where the device would have too few tiles. */
export function tileOver(quads: number, pixels: number): Tile {
  const tile = tileFor(quads)
  const count = Math.ceil(quads / tile.columns) * Math.ceil(pixels / tile.pixels)
  return count >= FEW ? tile : { ...tile, each: tile.each / 2, pixels: tile.pixels / 2 }
}

/** Columns are even, since threads gather two quads of rows by turns. */
const GRADIENT_COLUMNS = [16, 12, 10, 8, 4] as const
const GRADIENT_LINES = [8, 9] as const
/** Quads of rows of a thread. */
const ROWS_OF_A_THREAD = 2

/** Extents of a filter's gradient, in quads: taps × input channels, output channels. */
export interface GradientExtents {
  readonly depth: number
  readonly columns: number
}

/** The tile for the gradients of filters that a dispatch takes together. */
export function gradientTileFor(filters: readonly GradientExtents[]): GradientTile {
  const candidates = GRADIENT_COLUMNS.flatMap((columns) =>
    GRADIENT_LINES.map((lines) => ({ threads: columns * lines, columns, rows: lines * ROWS_OF_A_THREAD })),
  )
  return cheapest(candidates, (tile) => {
    const tiles = filters.reduce((sum, filter) => sum + tilesAcross(filter, tile).reduce((a, b) => a * b), 0)
    return tiles * costOf(tile.columns, tile.threads)
  })
}

/** Tiles of a filter's gradient, side by side over its rows and over its columns. */
export const tilesAcross = (
  { depth, columns }: GradientExtents,
  tile: GradientTile,
): readonly [rows: number, columns: number] => [Math.ceil(depth / tile.rows), Math.ceil(columns / tile.columns)]

/** Of a tile: its threads with those that idle beside them, and as much as a column for what all columns share. */
const costOf = (columns: number, threads: number): number => Math.ceil(threads / WARP) * WARP * (1 + 1 / columns)

/** The first of those that cost least. */
const cheapest = <T>(items: readonly T[], costOf: (item: T) => number): T =>
  items.reduce((best, item) => (costOf(item) < costOf(best) ? item : best))
