/**
 * The WebAssembly kernel (AssemblyScript) that scales, mirrors and recolours a crop of a photograph. Images are stored
 * by rows: decoded pixels as eight-bit RGB, intermediate pixels as four floats (the fourth unused), the network's input
 * as three floats.
 */

/** Number of bytes of a vector of four floats, which stores one intermediate pixel. */
const VECTOR: usize = 16
/** Number of bytes of a pixel of the network's input: three floats. */
const RGB: usize = 12

/** Number of bytes of a float or an integer in the kernel's memory. */
const NUMBER: usize = 4
/** Number of eight-bit intensities that the kernel reads at a time. */
const RUN: usize = 8

/**
 * Returns the size in bytes of one entry of a resampling table, which describes how one axis of an image is scaled.
 * Each target pixel has an entry: the first source pixel, the number of source pixels, and the weight of each.
 */
function entryBytes(extent: f64, to: i32): usize {
  const most = <i32>Math.ceil(2 * reach(extent, to)) + 1
  return 2 * NUMBER + <usize>most * NUMBER
}

/**
 * Returns the size in bytes of the resampling table of one axis.
 * @param extent length of the crop in source pixels
 * @param to number of target pixels
 */
export function tableBytes(extent: f64, to: i32): usize {
  return <usize>to * entryBytes(extent, to)
}

/**
 * Returns half the width of the triangle filter that scales an axis, in source pixels: 1 when enlarging, the scale
 * factor when shrinking.
 */
function reach(extent: f64, to: i32): f64 {
  return max<f64>(1, extent / <f64>to)
}

/**
 * Fills the resampling table of one axis with triangle filters, cut off at the image border and normalised to sum 1.
 */
function fillTable(cells: i32, start: f64, extent: f64, to: i32, table: usize): void {
  const scale = extent / <f64>to
  const half = reach(extent, to)
  for (let cell = 0; cell < to; cell++) {
    const centre = start + (<f64>cell + 0.5) * scale
    const first = max<i32>(0, <i32>Math.floor(centre - half + 0.5))
    const end = min<i32>(cells, <i32>Math.floor(centre + half + 0.5))
    let sum: f64 = 0
    for (let k = first; k < end; k++) sum += share(k, centre, half)
    const entry = table + <usize>cell * entryBytes(extent, to)
    store<i32>(entry, first)
    store<i32>(entry, end - first, NUMBER)
    for (let k = first; k < end; k++) {
      store<f32>(entry + <usize>(2 + k - first) * NUMBER, <f32>(share(k, centre, half) / sum))
    }
  }
}

// @ts-ignore: decorator
@inline
function share(cell: i32, centre: f64, half: f64): f64 {
  return max<f64>(0, 1 - abs((<f64>cell + 0.5 - centre) / half))
}

/**
 * Scales a crop to side × side pixels with a triangle filter (bilinear, antialiased), and mirrors it if `mirrored`.
 *
 * @param input [height][width][3], eight bits; the kernel reads up to RUN bytes beyond the end
 * @param left position of the crop in pixels, as are top, across (width) and down (height); they may be fractional
 * @param output [side][side][4]
 * @param scratch memory for the resampling tables of both axes, a row of width·3 floats and two vectors
 */
export function scale(
  input: usize,
  width: i32,
  height: i32,
  left: f64,
  top: f64,
  across: f64,
  down: f64,
  output: usize,
  side: i32,
  mirrored: bool,
  scratch: usize,
): void {
  const rows = scratch
  const columns = rows + tableBytes(down, side)
  const row = columns + tableBytes(across, side)
  fillTable(height, top, down, side, rows)
  fillTable(width, left, across, side, columns)
  const line = <usize>width * 3
  for (let y = 0; y < side; y++) {
    mergeRows(input, line, rows + <usize>y * entryBytes(down, side), row)
    for (let x = 0; x < side; x++) {
      const at = y * side + (mirrored ? side - 1 - x : x)
      v128.store(output + <usize>at * VECTOR, mergePixels(row, columns + <usize>x * entryBytes(across, side)))
    }
  }
}

/** Computes the weighted sum of the source rows that an entry of the vertical resampling table names, as floats. */
function mergeRows(input: usize, line: usize, entry: usize, row: usize): void {
  const first = input + <usize>load<i32>(entry) * line
  const count = <usize>load<i32>(entry, NUMBER)
  for (let x: usize = 0; x < line; x += RUN) {
    let low = f32x4.splat(0)
    let high = f32x4.splat(0)
    for (let k: usize = 0; k < count; k++) {
      const share = v128.load32_splat(entry + (2 + k) * NUMBER)
      const eight = v128.load8x8_u(first + k * line + x)
      low = f32x4.add(low, f32x4.mul(share, f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(eight))))
      high = f32x4.add(high, f32x4.mul(share, f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_u(eight))))
    }
    v128.store(row + x * NUMBER, low)
    v128.store(row + x * NUMBER, high, VECTOR)
  }
}

/**
 * Returns the weighted sum of the source pixels that an entry of the horizontal resampling table names, as one vector.
 */
// @ts-ignore: decorator
@inline
function mergePixels(row: usize, entry: usize): v128 {
  const first = row + <usize>load<i32>(entry) * RGB
  const count = <usize>load<i32>(entry, NUMBER)
  let pixel = f32x4.splat(0)
  for (let k: usize = 0; k < count; k++) {
    pixel = f32x4.add(pixel, f32x4.mul(v128.load32_splat(entry + (2 + k) * NUMBER), v128.load(first + k * RGB)))
  }
  return pixel
}

/** Writes the mean colour of an image [side][side][4] as one vector. Rows are summed separately, for precision. */
export function meanColour(image: usize, side: i32, result: usize): void {
  let sum = f32x4.splat(0)
  for (let y = 0; y < side; y++) {
    let line = f32x4.splat(0)
    const from = image + <usize>(y * side) * VECTOR
    for (let x = 0; x < side; x++) line = f32x4.add(line, v128.load(from + <usize>x * VECTOR))
    sum = f32x4.add(sum, line)
  }
  v128.store(result, f32x4.div(sum, f32x4.splat(<f32>(side * side))))
}

/**
 * Applies an affine map of RGB to each pixel and clamps the result.
 *
 * @param map six vectors: the columns of the matrix (for red, green, blue), the offsets, the lower and the upper limits
 * @param output [pixels][3] floats; one float beyond the end is written
 */
export function recolour(image: usize, pixels: i32, map: usize, output: usize): void {
  const red = v128.load(map)
  const green = v128.load(map, VECTOR)
  const blue = v128.load(map, 2 * VECTOR)
  const offset = v128.load(map, 3 * VECTOR)
  const least = v128.load(map, 4 * VECTOR)
  const most = v128.load(map, 5 * VECTOR)
  for (let i = 0; i < pixels; i++) {
    const pixel = v128.load(image + <usize>i * VECTOR)
    const r = f32x4.mul(red, v128.shuffle<f32>(pixel, pixel, 0, 0, 0, 0))
    const g = f32x4.mul(green, v128.shuffle<f32>(pixel, pixel, 1, 1, 1, 1))
    const b = f32x4.mul(blue, v128.shuffle<f32>(pixel, pixel, 2, 2, 2, 2))
    const mapped = f32x4.add(f32x4.add(f32x4.add(offset, r), g), b)
    v128.store(output + <usize>i * RGB, f32x4.pmin(most, f32x4.pmax(least, mapped)))
  }
}
