/**
 * Kernels that stage images for convolutions: they copy a convolution's input into an image with a zero border, so that
 * no window crosses an edge. The copy may apply ReLU, and may insert zeros between pixels, as the gradient of a strided
 * convolution needs.
 */
import { batch, madd, ownEnd, ownStart, positive, VECTOR } from './lanes'

/**
 * Copies input [batch, height, width, channels] into staged [batch, stagedHeight, stagedWidth, channels]: pixel (y, x)
 * goes to (border + spread·y, border + spread·x), everything else is zero.
 */
export function stage(
  input: usize,
  staged: usize,
  height: i32,
  width: i32,
  channels: i32,
  stagedHeight: i32,
  stagedWidth: i32,
  border: i32,
  spread: i32,
  relu: i32,
): void {
  const pixel = usize(channels) << 2
  const sample = usize(stagedHeight * stagedWidth) * pixel
  const bordered = stagedHeight != height || stagedWidth != width
  const step = usize(spread) * pixel
  const end = ownEnd(batch)
  let from = input + usize(ownStart(batch) * height * width) * pixel
  for (let n = ownStart(batch); n < end; n++) {
    if (bordered) memory.fill(staged + usize(n) * sample, 0, sample)
    for (let y = 0; y < height; y++) {
      let to = staged + usize(n) * sample + usize((border + spread * y) * stagedWidth + border) * pixel
      if (spread == 1) {
        from = copyRow(from, to, usize(width) * pixel, relu)
        continue
      }
      for (let x = 0; x < width; x++) {
        from = copyRow(from, to, pixel, relu)
        to += step
      }
    }
  }
}

/**
 * Copies `bytes` bytes of floats (a multiple of 16), applying ReLU if `relu` is 1. Returns the address after the last
 * byte that it read.
 */
function copyRow(from: usize, to: usize, bytes: usize, relu: i32): usize {
  const end = from + bytes
  if (relu) {
    for (; from < end; from += VECTOR, to += VECTOR) v128.store(to, positive(v128.load(from)))
  } else {
    for (; from < end; from += VECTOR, to += VECTOR) v128.store(to, v128.load(from))
  }
  return end
}

/**
 * Computes the gradient of a batch norm's input x, slope·g + curve·x + offset, and writes it directly into an image
 * with a zero border. Here g is the gradient of the weighted sum that contains the batch norm, and slope, curve and
 * offset are numbers for each channel that `differentiate` (norm.ts) computed.
 *
 * @param value address of x
 * @param slopes address of all slopes, then all curves, then all offsets
 */
export function stageNormGradient(
  gradient: usize,
  value: usize,
  slopes: usize,
  staged: usize,
  height: i32,
  width: i32,
  channels: i32,
  stagedHeight: i32,
  stagedWidth: i32,
  border: i32,
  spread: i32,
): void {
  const pixel = usize(channels) << 2
  const row = usize(width) * pixel
  const sample = usize(stagedHeight * stagedWidth) * pixel
  const bordered = stagedHeight != height || stagedWidth != width
  const step = usize(spread) * pixel
  const end = ownEnd(batch)
  let from = usize(ownStart(batch) * height) * row
  for (let n = ownStart(batch); n < end; n++) {
    if (bordered) memory.fill(staged + usize(n) * sample, 0, sample)
    for (let y = 0; y < height; y++, from += row) {
      const to = staged + usize(n) * sample + usize((border + spread * y) * stagedWidth + border) * pixel
      for (let channel: usize = 0; channel < pixel; channel += VECTOR) {
        const slope = v128.load(slopes + channel)
        const curve = v128.load(slopes + pixel + channel)
        const offset = v128.load(slopes + 2 * pixel + channel)
        for (let at = from + channel, target = to + channel; at < from + row; at += pixel, target += step) {
          const bent = madd(offset, v128.load(value + at), curve)
          v128.store(target, madd(bent, v128.load(gradient + at), slope))
        }
      }
    }
  }
}
