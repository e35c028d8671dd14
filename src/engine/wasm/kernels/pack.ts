/**
 * Copies filters of dense convolutions into panels, the layout that `convolve` reads. A filter is a matrix with one row
 * for each tap and input channel, and one column for each output channel. A panel holds eight columns (the last panel
 * four if needed) row by row. Padding rows and columns are zeros. Each thread copies whole panels.
 */
import { ownEnd, ownStart, VECTOR } from './lanes'

/**
 * Copies a filter into panels. Entry (tap, row, column) of the panels is dense[tap·rows·columns + row·rowStride +
 * column·columnStride].
 *
 * @param flip 1: the taps are taken in reverse order
 */
export function packFilter(
  dense: usize,
  panels: usize,
  taps: i32,
  rows: i32,
  columns: i32,
  rowStride: i32,
  columnStride: i32,
  flip: i32,
): void {
  const paddedRows = (rows + 3) & ~3
  const paddedColumns = (columns + 3) & ~3
  const rowBytes = usize(rowStride) << 2
  const columnBytes = usize(columnStride) << 2
  const panelCount = (paddedColumns + 7) >> 3
  const end = ownEnd(panelCount)
  let to = panels + (usize(ownStart(panelCount) * taps * paddedRows) << 5)
  for (let panel = ownStart(panelCount); panel < end; panel++) {
    const first = panel << 3
    const width = usize(min(8, paddedColumns - first)) << 2
    const filled = usize(min(8, columns - first)) << 2
    const padding = usize(paddedRows - rows) * width
    for (let tap = 0; tap < taps; tap++) {
      let from = dense + (usize((flip ? taps - 1 - tap : tap) * rows * columns) << 2) + usize(first) * columnBytes
      for (let row = 0; row < rows; row++, from += rowBytes, to += width) {
        if (filled == width && columnStride == 1) copy(from, to, width)
        else gather(from, columnBytes, to, filled, width)
      }
      if (padding) memory.fill(to, 0, padding)
      to += padding
    }
  }
}

/** Copies four or eight consecutive floats of a filter. */
// @ts-ignore: decorator
@inline
function copy(from: usize, to: usize, width: usize): void {
  v128.store(to, v128.load(from))
  if (width > VECTOR) v128.store(to, v128.load(from, VECTOR), VECTOR)
}

/**
 * Copies floats that lie `stride` bytes apart to consecutive addresses: writes `filled` bytes of copies, then zeros up
 * to `width` bytes.
 */
// @ts-ignore: decorator
@inline
function gather(from: usize, stride: usize, to: usize, filled: usize, width: usize): void {
  let i: usize = 0
  for (; i < filled; i += 4, from += stride) store<f32>(to + i, load<f32>(from))
  for (; i < width; i += 4) store<f32>(to + i, 0)
}

/**
 * Copies a filter from panels back to its dense layout [taps, rows, columns], without padding.
 */
export function unpackFilter(panels: usize, dense: usize, taps: i32, rows: i32, columns: i32): void {
  const paddedRows = (rows + 3) & ~3
  const paddedColumns = (columns + 3) & ~3
  const rowBytes = usize(columns) << 2
  const panelCount = (paddedColumns + 7) >> 3
  const end = ownEnd(panelCount)
  let from = panels + (usize(ownStart(panelCount) * taps * paddedRows) << 5)
  for (let panel = ownStart(panelCount); panel < end; panel++) {
    const first = panel << 3
    const width = usize(min(8, paddedColumns - first)) << 2
    const filled = usize(min(8, columns - first)) << 2
    for (let tap = 0; tap < taps; tap++) {
      let to = dense + (usize(tap * rows * columns + first) << 2)
      for (let row = 0; row < rows; row++, from += width, to += rowBytes) {
        if (filled == width) copy(from, to, width)
        else for (let i: usize = 0; i < filled; i += 4) store<f32>(to + i, load<f32>(from + i))
      }
      from += usize(paddedRows - rows) * width
    }
  }
}

/**
 * Copies rows of `columns` floats to rows of `toColumns` floats; longer rows are cut off, shorter ones filled with
 * zeros.
 */
export function resizeRows(from: usize, to: usize, rows: i32, columns: i32, toColumns: i32): void {
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < toColumns; i++, to += 4) {
      store<f32>(to, i < columns ? load<f32>(from + (usize(row * columns + i) << 2)) : 0)
    }
  }
}
