/**
 * Filters in the order in which the convolutions read them. Output channels are cut into panels of eight, the last of
 * four where needed; a panel holds, for each row of the reduction (tap, then channel), its eight numbers side by side.
 * Rows and columns that the dense filter does not have are zeros.
 */

/**
 * dense → panels. Entry (tap, row, column) of the panels is dense[tap·rows·columns + row·rowStride + column·columnStride],
 * with the taps in reverse where `flip`.
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
  let to = panels
  for (let first = 0; first < paddedColumns; first += 8) {
    const width = min(8, paddedColumns - first)
    for (let tap = 0; tap < taps; tap++) {
      const base = (flip ? taps - 1 - tap : tap) * rows * columns
      for (let row = 0; row < paddedRows; row++) {
        for (let i = 0; i < width; i++, to += 4) {
          const column = first + i
          const real = row < rows && column < columns
          store<f32>(to, real ? load<f32>(dense + (usize(base + row * rowStride + column * columnStride) << 2)) : 0)
        }
      }
    }
  }
}

/** The inverse of `packFilter` with rowStride = columns, columnStride = 1, no flip. */
export function unpackFilter(panels: usize, dense: usize, taps: i32, rows: i32, columns: i32): void {
  const paddedRows = (rows + 3) & ~3
  const paddedColumns = (columns + 3) & ~3
  let from = panels
  for (let first = 0; first < paddedColumns; first += 8) {
    const width = min(8, paddedColumns - first)
    for (let tap = 0; tap < taps; tap++) {
      for (let row = 0; row < paddedRows; row++) {
        for (let i = 0; i < width; i++, from += 4) {
          const column = first + i
          if (row >= rows || column >= columns) continue
          store<f32>(dense + (usize((tap * rows + row) * columns + column) << 2), load<f32>(from))
        }
      }
    }
  }
}

/** Rows of `columns` numbers → rows of `toColumns`, cut off or filled with zeros. */
export function resizeRows(from: usize, to: usize, rows: i32, columns: i32, toColumns: i32): void {
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < toColumns; i++, to += 4) {
      store<f32>(to, i < columns ? load<f32>(from + (usize(row * columns + i) << 2)) : 0)
    }
  }
}
