/**
 * Kernels of the 3×3 average pooling with stride 1 and padding 1, which every NAS-Bench-201 cell contains. They first
 * add up three neighbours along each row, then three rows. With share[y, x] = 1 / (number of pixels of the window at
 * (y, x) that lie inside the image),
 *
 *   forward: share·box(input),   backward: box(share·gradient),   box = sum over the 3×3 neighbourhood.
 */
import { addTo, batch, keep, ownEnd, ownStart, part, VECTOR } from './lanes'

/**
 * Computes the 3×3 average pooling of a batch of images. @param scratch address of working memory, (height +
 * 1)·width·channels floats for each thread
 */
export function boxPool(input: usize, output: usize, height: i32, width: i32, channels: i32, scratch: usize): void {
  const pixel = usize(channels) << 2
  const row = usize(width) * pixel
  const image = usize(height) * row
  const sums = scratch + usize(part) * (image + row)
  const end = ownEnd(batch)
  for (let n = ownStart(batch); n < end; n++) {
    const from = input + usize(n) * image
    const to = output + usize(n) * image
    for (let y: usize = 0; y < image; y += row) sumAlong(from + y, sums + y, pixel, row)
    for (let y = 0; y < height; y++) {
      const at = usize(y) * row
      sumAcross(sums, to + at, y, height, row, keep(0))
      share(to + at, to + at, y, height, width, pixel)
    }
  }
}

/**
 * Computes the gradient of the input of `boxPool` from the gradient of its output. @param accumulate 1: add to
 * `result`; 0: overwrite it
 */
export function boxPoolGradient(
  gradient: usize,
  result: usize,
  height: i32,
  width: i32,
  channels: i32,
  scratch: usize,
  accumulate: i32,
): void {
  const pixel = usize(channels) << 2
  const row = usize(width) * pixel
  const image = usize(height) * row
  const sums = scratch + usize(part) * (image + row)
  const shared = sums + image
  const end = ownEnd(batch)
  for (let n = ownStart(batch); n < end; n++) {
    const from = gradient + usize(n) * image
    const to = result + usize(n) * image
    for (let y = 0; y < height; y++) {
      share(from + usize(y) * row, shared, y, height, width, pixel)
      sumAlong(shared, sums + usize(y) * row, pixel, row)
    }
    for (let y = 0; y < height; y++) sumAcross(sums, to + usize(y) * row, y, height, row, keep(accumulate))
  }
}

/** Writes for each pixel of a row the sum of the pixel and its left and right neighbours. */
function sumAlong(from: usize, to: usize, pixel: usize, row: usize): void {
  const last = row - pixel
  for (let at: usize = 0; at < pixel; at += VECTOR) {
    let first = v128.load(from + at)
    if (last > 0) first = f32x4.add(first, v128.load(from + at + pixel))
    v128.store(to + at, first)
  }
  for (let at = pixel; at < last; at += VECTOR) {
    const outer = f32x4.add(v128.load(from + at - pixel), v128.load(from + at + pixel))
    v128.store(to + at, f32x4.add(outer, v128.load(from + at)))
  }
  if (last == 0) return
  for (let at = last; at < row; at += VECTOR) {
    v128.store(to + at, f32x4.add(v128.load(from + at), v128.load(from + at - pixel)))
  }
}

/**
 * Computes the sum of row y of an image, the row above and the row below. Adds it to the values at `to` if the mask
 * `kept` is all ones, and overwrites them if it is all zeros.
 */
function sumAcross(image: usize, to: usize, y: i32, height: i32, row: usize, kept: v128): void {
  const here = image + usize(y) * row
  const above = y > 0
  const below = y + 1 < height
  for (let at: usize = 0; at < row; at += VECTOR) {
    let sum = v128.load(here + at)
    if (above) sum = f32x4.add(sum, v128.load(here - row + at))
    if (below) sum = f32x4.add(sum, v128.load(here + row + at))
    addTo(to + at, sum, kept)
  }
}

/**
 * Divides each pixel of row y by the number of pixels of its 3×3 window that lie inside the image. `from` may be equal
 * to `to`.
 */
function share(from: usize, to: usize, y: i32, height: i32, width: i32, pixel: usize): void {
  const rows = 1 + i32(y > 0) + i32(y + 1 < height)
  const last = usize(width - 1) * pixel
  const edge = f32x4.splat(f32(1.0 / f64(rows * min(width, 2))))
  const inner = f32x4.splat(f32(1.0 / f64(rows * 3)))
  scaleRun(from, to, 0, pixel, edge)
  scaleRun(from, to, pixel, last, inner)
  if (last > 0) scaleRun(from, to, last, last + pixel, edge)
}

function scaleRun(from: usize, to: usize, start: usize, end: usize, factor: v128): void {
  for (let at = start; at < end; at += VECTOR) v128.store(to + at, f32x4.mul(factor, v128.load(from + at)))
}
