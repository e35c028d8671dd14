/**
 * The kernel that computes dense convolutions as matrix products over a staged image (see `stage.ts`): output[pixel, :]
 * = Σ_k patch[pixel, k]·panel[k, :], where the panels hold the filter (see `pack.ts`).
 *
 * The patch of an output pixel holds the entries of its window: `segmentCount` segments (usually rows of the window,
 * channels innermost) of `segmentLength` consecutive floats. Segment s begins offsets[pixel] + segments[s] bytes after
 * `staged`.
 */
import { addTo, batch, CHUNK, keep, madd, ownPixelsEnd, ownPixelsStart, splat, VECTOR } from './lanes'
import { sumChunk } from './norm'

/**
 * Computes a dense convolution as the matrix product patches·panels, [pixels, channels].
 *
 * @param accumulate 1: add the product to `output`; 0: overwrite it
 * @param rows address to which the partial sums for mean and variance of the output are written (see `sumChunk`); 0:
 * they are not computed
 */
export function convolve(
  staged: usize,
  offsets: usize,
  pixelsPerSample: i32,
  segments: usize,
  segmentCount: i32,
  segmentLength: i32,
  panels: usize,
  output: usize,
  channels: i32,
  accumulate: i32,
  rows: usize,
): void {
  const pixels = batch * pixelsPerSample
  const depth = usize(segmentCount * segmentLength)
  const bytes = usize(segmentLength) << 2
  const segmentsEnd = segments + (usize(segmentCount) << 2)
  const kept = keep(accumulate)
  const start = ownPixelsStart(pixels)
  const end = ownPixelsEnd(pixels)
  // All threads subtract the first pixel from their pixels. A thread that does not own it computes it as well, to the
  // same bits.
  if (rows && start > 0) multiply(staged, offsets, 0, 1, segments, segmentsEnd, bytes, panels, depth, output, channels, kept)
  for (let first = start; first < end; first += CHUNK) {
    const last = min(first + CHUNK, end)
    multiply(staged, offsets, first, last, segments, segmentsEnd, bytes, panels, depth, output, channels, kept)
    if (rows) sumChunk(output, first, last, usize(channels) << 2, rows)
  }
}

/** Computes output pixels `first` to `last` − 1 of a dense convolution, eight output channels at a time. */
function multiply(
  staged: usize,
  offsets: usize,
  first: i32,
  last: i32,
  segments: usize,
  segmentsEnd: usize,
  bytes: usize,
  panels: usize,
  depth: usize,
  output: usize,
  channels: i32,
  kept: v128,
): void {
  const stride = usize(channels) << 2
  let panel = panels
  let channel = 0
  for (; channel + 8 <= channels; channel += 8) {
    eight(staged, offsets, first, last, segments, segmentsEnd, bytes, panel, output + (usize(channel) << 2), stride, kept)
    panel += depth << 5
  }
  if (channel < channels) {
    four(staged, offsets, first, last, segments, segmentsEnd, bytes, panel, output + (usize(channel) << 2), stride, kept)
  }
}

/** Computes eight output channels of a dense convolution, four pixels at a time. */
function eight(
  staged: usize,
  offsets: usize,
  first: i32,
  last: i32,
  segments: usize,
  segmentsEnd: usize,
  bytes: usize,
  panel: usize,
  output: usize,
  stride: usize,
  kept: v128,
): void {
  let pixel = first
  for (; pixel + 4 <= last; pixel += 4) {
    const offset = offsets + (usize(pixel) << 2)
    const base0 = staged + load<usize>(offset)
    const base1 = staged + load<usize>(offset, 4)
    const base2 = staged + load<usize>(offset, 8)
    const base3 = staged + load<usize>(offset, 12)
    let w = panel
    let a0 = f32x4.splat(0)
    let a1 = a0
    let b0 = a0
    let b1 = a0
    let c0 = a0
    let c1 = a0
    let d0 = a0
    let d1 = a0
    for (let segment = segments; segment < segmentsEnd; segment += 4) {
      const start = load<usize>(segment)
      let p0 = base0 + start
      let p1 = base1 + start
      let p2 = base2 + start
      let p3 = base3 + start
      const end = p0 + bytes
      while (p0 < end) {
        const w0 = v128.load(w)
        const w1 = v128.load(w, 16)
        const x0 = splat(p0)
        a0 = madd(a0, x0, w0)
        a1 = madd(a1, x0, w1)
        const x1 = splat(p1)
        b0 = madd(b0, x1, w0)
        b1 = madd(b1, x1, w1)
        const x2 = splat(p2)
        c0 = madd(c0, x2, w0)
        c1 = madd(c1, x2, w1)
        const x3 = splat(p3)
        d0 = madd(d0, x3, w0)
        d1 = madd(d1, x3, w1)
        w += 32
        p0 += 4
        p1 += 4
        p2 += 4
        p3 += 4
      }
    }
    let to = output + usize(pixel) * stride
    addTo(to, a0, kept)
    addTo(to + VECTOR, a1, kept)
    to += stride
    addTo(to, b0, kept)
    addTo(to + VECTOR, b1, kept)
    to += stride
    addTo(to, c0, kept)
    addTo(to + VECTOR, c1, kept)
    to += stride
    addTo(to, d0, kept)
    addTo(to + VECTOR, d1, kept)
  }
  for (; pixel < last; pixel++) {
    const base = staged + load<usize>(offsets + (usize(pixel) << 2))
    let w = panel
    let a0 = f32x4.splat(0)
    let a1 = a0
    for (let segment = segments; segment < segmentsEnd; segment += 4) {
      let p = base + load<usize>(segment)
      const end = p + bytes
      for (; p < end; p += 4, w += 32) {
        const x = splat(p)
        a0 = madd(a0, x, v128.load(w))
        a1 = madd(a1, x, v128.load(w, 16))
      }
    }
    const to = output + usize(pixel) * stride
    addTo(to, a0, kept)
    addTo(to + VECTOR, a1, kept)
  }
}

/**
 * Computes four output channels of a dense convolution, four pixels and two rows of the filter's panel at a time. Even
 * and odd rows have separate sums.
 */
function four(
  staged: usize,
  offsets: usize,
  first: i32,
  last: i32,
  segments: usize,
  segmentsEnd: usize,
  bytes: usize,
  panel: usize,
  output: usize,
  stride: usize,
  kept: v128,
): void {
  let pixel = first
  for (; pixel + 4 <= last; pixel += 4) {
    const offset = offsets + (usize(pixel) << 2)
    const base0 = staged + load<usize>(offset)
    const base1 = staged + load<usize>(offset, 4)
    const base2 = staged + load<usize>(offset, 8)
    const base3 = staged + load<usize>(offset, 12)
    let w = panel
    let a0 = f32x4.splat(0)
    let a1 = a0
    let b0 = a0
    let b1 = a0
    let c0 = a0
    let c1 = a0
    let d0 = a0
    let d1 = a0
    for (let segment = segments; segment < segmentsEnd; segment += 4) {
      const start = load<usize>(segment)
      let p0 = base0 + start
      let p1 = base1 + start
      let p2 = base2 + start
      let p3 = base3 + start
      const end = p0 + bytes
      while (p0 < end) {
        const w0 = v128.load(w)
        a0 = madd(a0, splat(p0), w0)
        b0 = madd(b0, splat(p1), w0)
        c0 = madd(c0, splat(p2), w0)
        d0 = madd(d0, splat(p3), w0)
        const w1 = v128.load(w, 16)
        a1 = madd(a1, splat(p0, 4), w1)
        b1 = madd(b1, splat(p1, 4), w1)
        c1 = madd(c1, splat(p2, 4), w1)
        d1 = madd(d1, splat(p3, 4), w1)
        w += 32
        p0 += 8
        p1 += 8
        p2 += 8
        p3 += 8
      }
    }
    let to = output + usize(pixel) * stride
    addTo(to, f32x4.add(a0, a1), kept)
    to += stride
    addTo(to, f32x4.add(b0, b1), kept)
    to += stride
    addTo(to, f32x4.add(c0, c1), kept)
    to += stride
    addTo(to, f32x4.add(d0, d1), kept)
  }
  for (; pixel < last; pixel++) {
    const base = staged + load<usize>(offsets + (usize(pixel) << 2))
    let w = panel
    let a0 = f32x4.splat(0)
    let a1 = a0
    for (let segment = segments; segment < segmentsEnd; segment += 4) {
      let p = base + load<usize>(segment)
      const end = p + bytes
      for (; p < end; p += 8, w += 32) {
        a0 = madd(a0, splat(p), v128.load(w))
        a1 = madd(a1, splat(p, 4), v128.load(w, 16))
      }
    }
    addTo(output + usize(pixel) * stride, f32x4.add(a0, a1), kept)
  }
}
