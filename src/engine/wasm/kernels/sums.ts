/**
 * Adds up the partial sums of all chunks of pixels. Other kernels sum each chunk in single precision and write the sums
 * of all channels as one row; the functions here add up the rows, in order and in double precision.
 */
import { VECTOR } from './lanes'

/** Computes the sum of `count` rows of floats, a float64 for each column. @param width number of bytes of a row */
export function addRows(rows: usize, count: i32, width: usize, result: usize): void {
  for (let column: usize = 0; column < width; column += VECTOR) {
    addColumns(rows + column, count, width, result + (column << 1))
  }
}

/**
 * Adds up four neighbouring columns over all rows: floats in, float64 sums out. @param width number of bytes of a row
 */
export function addColumns(rows: usize, count: i32, width: usize, result: usize): void {
  let low = f64x2.splat(0)
  let high = low
  const end = rows + usize(count) * width
  for (let row = rows; row < end; row += width) {
    const x = v128.load(row)
    low = f64x2.add(low, f64x2.promote_low_f32x4(x))
    const upper = i8x16.shuffle(x, x, 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15)
    high = f64x2.add(high, f64x2.promote_low_f32x4(upper))
  }
  v128.store(result, low)
  v128.store(result, high, VECTOR)
}
