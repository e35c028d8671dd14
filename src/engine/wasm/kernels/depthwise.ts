/**
 * Kernels of depthwise convolution (one filter for each channel) over a staged image, the copy of the input with a zero
 * border. The taps of a filter are given as byte offsets from the first pixel of its window.
 */
import { addTo, batch, CHUNK, keep, madd, ownEnd, ownPixelsEnd, ownPixelsStart, ownStart, VECTOR } from './lanes'

/**
 * Computes a depthwise convolution, output[pixel, c] = Σ_tap staged[pixel + tap, c]·filter[tap, c], with filter [taps,
 * channels].
 *
 * @param accumulate 1: add to `output`; 0: overwrite it
 */
export function depthwise(
  staged: usize,
  offsets: usize,
  pixelsPerSample: i32,
  taps: usize,
  tapCount: i32,
  filter: usize,
  output: usize,
  channels: i32,
  accumulate: i32,
): void {
  const pixels = batch * pixelsPerSample
  const stride = usize(channels) << 2
  const tapsEnd = taps + (usize(tapCount) << 2)
  const kept = keep(accumulate)
  const end = ownPixelsEnd(pixels)
  for (let pixel = ownPixelsStart(pixels); pixel < end; pixel += 4) {
    const offset = offsets + (usize(pixel) << 2)
    const valid = end - pixel
    const base0 = staged + load<usize>(offset)
    const base1 = valid > 1 ? staged + load<usize>(offset, 4) : base0
    const base2 = valid > 2 ? staged + load<usize>(offset, 8) : base0
    const base3 = valid > 3 ? staged + load<usize>(offset, 12) : base0
    for (let channel: usize = 0; channel < stride; channel += VECTOR) {
      let a = f32x4.splat(0)
      let b = a
      let c = a
      let d = a
      let w = filter + channel
      for (let tap = taps; tap < tapsEnd; tap += 4, w += stride) {
        const at = load<usize>(tap) + channel
        const row = v128.load(w)
        a = madd(a, v128.load(base0 + at), row)
        b = madd(b, v128.load(base1 + at), row)
        c = madd(c, v128.load(base2 + at), row)
        d = madd(d, v128.load(base3 + at), row)
      }
      const to = output + usize(pixel) * stride + channel
      addTo(to, a, kept)
      if (valid > 1) addTo(to + stride, b, kept)
      if (valid > 2) addTo(to + 2 * stride, c, kept)
      if (valid > 3) addTo(to + 3 * stride, d, kept)
    }
  }
}

/**
 * Computes the filter gradient of a depthwise convolution, result[tap, c] = Σ_pixels staged[pixel + tap,
 * c]·gradient[pixel, c]. Each thread computes whole blocks of four channels of four taps.
 */
export function depthwiseFilterGradient(
  staged: usize,
  offsets: usize,
  pixelsPerSample: i32,
  taps: usize,
  tapCount: i32,
  gradient: usize,
  gradientOffsets: usize,
  channels: i32,
  result: usize,
): void {
  const pixels = batch * pixelsPerSample
  const stride = usize(channels) << 2
  const tapsEnd = taps + (usize(tapCount) << 2)
  const quads = (tapCount + 3) >> 2
  const tiles = (channels >> 2) * quads
  const ownLast = ownEnd(tiles)
  const ownFirst = ownStart(tiles)
  for (let first = 0; first < pixels; first += CHUNK) {
    const from = usize(first) << 2
    const to = usize(min(first + CHUNK, pixels)) << 2
    for (let tile = ownFirst; tile < ownLast; tile++) {
      const channel = usize(tile / quads) * VECTOR
      let tap = taps + (usize(tile % quads) << 4)
      let sum = result + channel + (usize(tile % quads) << 2) * stride
      if (first == 0) clearTaps(sum, min(4, tapCount - ((tile % quads) << 2)), stride)
      if (tap + 16 <= tapsEnd) {
        fourTaps(staged + channel, offsets, tap, gradient + channel, gradientOffsets, from, to, sum, stride)
        continue
      }
      for (; tap < tapsEnd; tap += 4, sum += stride) {
        oneTap(staged + channel + load<usize>(tap), offsets, gradient + channel, gradientOffsets, from, to, sum)
      }
    }
  }
}

function clearTaps(sum: usize, count: i32, stride: usize): void {
  for (let i = 0; i < count; i++) v128.store(sum + usize(i) * stride, f32x4.splat(0))
}

function fourTaps(
  staged: usize,
  offsets: usize,
  tap: usize,
  gradient: usize,
  gradientOffsets: usize,
  from: usize,
  to: usize,
  sum: usize,
  stride: usize,
): void {
  const base0 = staged + load<usize>(tap)
  const base1 = staged + load<usize>(tap, 4)
  const base2 = staged + load<usize>(tap, 8)
  const base3 = staged + load<usize>(tap, 12)
  let a = v128.load(sum)
  let b = v128.load(sum + stride)
  let c = v128.load(sum + 2 * stride)
  let d = v128.load(sum + 3 * stride)
  for (let at = from; at < to; at += 4) {
    const patch = load<usize>(offsets + at)
    const g = v128.load(gradient + load<usize>(gradientOffsets + at))
    a = madd(a, v128.load(base0 + patch), g)
    b = madd(b, v128.load(base1 + patch), g)
    c = madd(c, v128.load(base2 + patch), g)
    d = madd(d, v128.load(base3 + patch), g)
  }
  v128.store(sum, a)
  v128.store(sum + stride, b)
  v128.store(sum + 2 * stride, c)
  v128.store(sum + 3 * stride, d)
}

function oneTap(
  staged: usize,
  offsets: usize,
  gradient: usize,
  gradientOffsets: usize,
  from: usize,
  to: usize,
  sum: usize,
): void {
  let a = v128.load(sum)
  for (let at = from; at < to; at += 4) {
    const g = v128.load(gradient + load<usize>(gradientOffsets + at))
    a = madd(a, v128.load(staged + load<usize>(offsets + at)), g)
  }
  v128.store(sum, a)
}

/**
 * Copies a depthwise filter [taps, channels] with its taps in reverse order, as the transposed convolution needs it.
 */
export function flipTaps(filter: usize, flipped: usize, taps: i32, channels: i32): void {
  const row = usize(channels) << 2
  for (let tap = 0; tap < taps; tap++) memory.copy(flipped + usize(tap) * row, filter + usize(taps - 1 - tap) * row, row)
}
