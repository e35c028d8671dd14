/**
 * Staging: a convolution's input copied into a zero-bordered image, so that the convolution itself never meets an edge.
 * The copy can go through ReLU, and can spread the pixels apart (zeros between them) for the gradient of a stride.
 */
import { batch, madd, ownEnd, ownStart, positive, VECTOR } from './lanes'

/**
 * input [batch, height, width, channels] → staged [batch, stagedHeight, stagedWidth, channels]; pixel (y, x) stands at
 * (border + spread·y, border + spread·x), all else is zero.
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

/** Copies `bytes`, a multiple of 16, and returns where it stopped reading. */
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
 * `stage` of the gradient that a normalised term sends back, slope·gradient + curve·value + offset by channel (see
 * `differentiate`), so that it is never stored on its own.
 *
 * @param slopes [slope | curve | offset], each [channels]
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
