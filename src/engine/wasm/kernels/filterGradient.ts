/**
 * Kernel of the gradient of a dense convolution with respect to its filter: panels[k, :] = Σ_pixels patch[pixel,
 * k]·gradient[pixel, :]. Patches and panels are those of `convolve`; a second table of offsets says where the gradient
 * of each output pixel lies. Chunks of pixels are added in a fixed order. Each thread computes whole tiles, four rows
 * of a panel each.
 */
import { batch, CHUNK, madd, ownEnd, ownStart, splat } from './lanes'

/**
 * Computes the filter gradient of a dense convolution. @param panels overwritten with the gradient, in the layout that
 * pack.ts describes
 */
export function filterGradient(
  staged: usize,
  offsets: usize,
  pixelsPerSample: i32,
  segments: usize,
  segmentCount: i32,
  segmentLength: i32,
  gradient: usize,
  gradientOffsets: usize,
  channels: i32,
  panels: usize,
): void {
  const pixels = batch * pixelsPerSample
  const depth = usize(segmentCount * segmentLength)
  const tiles = i32(depth >> 2) * ((channels + 7) >> 3)
  const ownFirst = ownStart(tiles)
  const ownLast = ownEnd(tiles)
  for (let first = 0; first < pixels; first += CHUNK) {
    const from = offsets + (usize(first) << 2)
    const to = offsets + (usize(min(first + CHUNK, pixels)) << 2)
    const gradientFrom = gradientOffsets + (usize(first) << 2)
    let panel = panels
    let tile = 0
    for (let channel = 0; channel < channels; channel += 8) {
      const columns = gradient + (usize(channel) << 2)
      const wide = channel + 8 <= channels
      const bytes: usize = wide ? 128 : 64
      for (let s = 0; s < segmentCount; s++) {
        let patch = staged + load<usize>(segments + (usize(s) << 2))
        for (let k = 0; k < segmentLength; k += 4, patch += 16, panel += bytes, tile++) {
          if (tile < ownFirst || tile >= ownLast) continue
          if (first == 0) memory.fill(panel, 0, bytes)
          if (wide) eight(patch, from, to, columns, gradientFrom, panel)
          else four(patch, from, to, columns, gradientFrom, panel)
        }
      }
    }
  }
}

/** Adds Σ patch·gradient over a chunk of pixels to four rows of the filter gradient, for eight output channels. */
function eight(patch: usize, from: usize, to: usize, gradient: usize, gradientFrom: usize, panel: usize): void {
  let a0 = v128.load(panel)
  let a1 = v128.load(panel, 16)
  let b0 = v128.load(panel, 32)
  let b1 = v128.load(panel, 48)
  let c0 = v128.load(panel, 64)
  let c1 = v128.load(panel, 80)
  let d0 = v128.load(panel, 96)
  let d1 = v128.load(panel, 112)
  for (let at = from, gradientAt = gradientFrom; at < to; at += 4, gradientAt += 4) {
    const p = patch + load<usize>(at)
    const q = gradient + load<usize>(gradientAt)
    const g0 = v128.load(q)
    const g1 = v128.load(q, 16)
    const x0 = splat(p)
    a0 = madd(a0, x0, g0)
    a1 = madd(a1, x0, g1)
    const x1 = splat(p, 4)
    b0 = madd(b0, x1, g0)
    b1 = madd(b1, x1, g1)
    const x2 = splat(p, 8)
    c0 = madd(c0, x2, g0)
    c1 = madd(c1, x2, g1)
    const x3 = splat(p, 12)
    d0 = madd(d0, x3, g0)
    d1 = madd(d1, x3, g1)
  }
  v128.store(panel, a0)
  v128.store(panel, a1, 16)
  v128.store(panel, b0, 32)
  v128.store(panel, b1, 48)
  v128.store(panel, c0, 64)
  v128.store(panel, c1, 80)
  v128.store(panel, d0, 96)
  v128.store(panel, d1, 112)
}

/** Adds Σ patch·gradient over a chunk of pixels to four rows of the filter gradient, for four output channels. */
function four(patch: usize, from: usize, to: usize, gradient: usize, gradientFrom: usize, panel: usize): void {
  let a = v128.load(panel)
  let b = v128.load(panel, 16)
  let c = v128.load(panel, 32)
  let d = v128.load(panel, 48)
  for (let at = from, gradientAt = gradientFrom; at < to; at += 4, gradientAt += 4) {
    const p = patch + load<usize>(at)
    const row = v128.load(gradient + load<usize>(gradientAt))
    a = madd(a, splat(p), row)
    b = madd(b, splat(p, 4), row)
    c = madd(c, splat(p, 8), row)
    d = madd(d, splat(p, 12), row)
  }
  v128.store(panel, a)
  v128.store(panel, b, 16)
  v128.store(panel, c, 32)
  v128.store(panel, d, 48)
}
