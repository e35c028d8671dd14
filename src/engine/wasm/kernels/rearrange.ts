/**
 * Kernels that copy entries without changing them: channel slices, concatenations and shuffles, crops, and channel
 * padding.
 */
import { addTo, batch, keep, ownEnd, ownPixelsEnd, ownPixelsStart, ownStart, VECTOR } from './lanes'

/**
 * Copies channels in any order: output[pixel, outputFrom + i] = input[pixel, map[i]] for i < count. Other channels of
 * the output keep their values.
 *
 * @param map address of `count` channel indices of the input
 */
export function gather(
  input: usize,
  output: usize,
  map: usize,
  count: i32,
  inputChannels: i32,
  outputChannels: i32,
  outputFrom: i32,
  pixelsPerSample: i32,
): void {
  const pixels = batch * pixelsPerSample
  const end = ownPixelsEnd(pixels)
  for (let pixel = ownPixelsStart(pixels); pixel < end; pixel++) {
    const from = input + (usize(pixel * inputChannels) << 2)
    const to = output + (usize(pixel * outputChannels + outputFrom) << 2)
    for (let i = 0; i < count; i++) {
      const at = usize(i) << 2
      store<f32>(to + at, load<f32>(from + (load<u32>(map + at) << 2)))
    }
  }
}

/** Computes the input gradient of `gather`: result[pixel, map[i]] += gradient[pixel, outputFrom + i]. */
export function scatter(
  gradient: usize,
  result: usize,
  map: usize,
  count: i32,
  inputChannels: i32,
  outputChannels: i32,
  outputFrom: i32,
  pixelsPerSample: i32,
): void {
  const pixels = batch * pixelsPerSample
  const end = ownPixelsEnd(pixels)
  for (let pixel = ownPixelsStart(pixels); pixel < end; pixel++) {
    const from = gradient + (usize(pixel * outputChannels + outputFrom) << 2)
    const to = result + (usize(pixel * inputChannels) << 2)
    for (let i = 0; i < count; i++) {
      const at = usize(i) << 2
      const target = to + (load<u32>(map + at) << 2)
      store<f32>(target, load<f32>(target) + load<f32>(from + at))
    }
  }
}

/**
 * Copies consecutive channels: output[pixel, outputFrom + i] = input[pixel, inputFrom + i] for i < count. All counts
 * and offsets of channels are multiples of 4.
 *
 * @param accumulate 1: add to `output`; 0: overwrite it
 */
export function copyChannels(
  input: usize,
  output: usize,
  count: i32,
  inputChannels: i32,
  inputFrom: i32,
  outputChannels: i32,
  outputFrom: i32,
  pixelsPerSample: i32,
  accumulate: i32,
): void {
  const pixels = batch * pixelsPerSample
  const bytes = usize(count) << 2
  const kept = keep(accumulate)
  const start = ownPixelsStart(pixels)
  const end = ownPixelsEnd(pixels)
  let from = input + (usize(start * inputChannels + inputFrom) << 2)
  let to = output + (usize(start * outputChannels + outputFrom) << 2)
  for (let pixel = start; pixel < end; pixel++) {
    for (let at: usize = 0; at < bytes; at += VECTOR) addTo(to + at, v128.load(from + at), kept)
    from += usize(inputChannels) << 2
    to += usize(outputChannels) << 2
  }
}

/** Computes output = input[:, rows:, rows:, :]: cuts off the first rows and columns of each image. */
export function crop(input: usize, output: usize, height: i32, width: i32, channels: i32, rows: i32): void {
  const bytes = usize((width - rows) * channels) << 2
  const end = ownEnd(batch)
  let to = output + usize(ownStart(batch) * (height - rows)) * bytes
  for (let n = ownStart(batch); n < end; n++) {
    for (let y = rows; y < height; y++, to += bytes) {
      memory.copy(to, input + (usize(((n * height + y) * width + rows) * channels) << 2), bytes)
    }
  }
}

/** Computes the input gradient of `crop`: result[:, rows:, rows:, :] += gradient. */
export function cropGradient(gradient: usize, result: usize, height: i32, width: i32, channels: i32, rows: i32): void {
  const bytes = usize((width - rows) * channels) << 2
  const kept = keep(1)
  const lastSample = ownEnd(batch)
  let from = gradient + usize(ownStart(batch) * (height - rows)) * bytes
  for (let n = ownStart(batch); n < lastSample; n++) {
    for (let y = rows; y < height; y++) {
      let to = result + (usize(((n * height + y) * width + rows) * channels) << 2)
      for (const end = from + bytes; from < end; from += VECTOR, to += VECTOR) addTo(to, v128.load(from), kept)
    }
  }
}

/**
 * Copies pixels of `dense` channels to pixels of `channels` channels, the next multiple of 4; the added channels are
 * zeros.
 */
export function padChannels(input: usize, output: usize, pixelsPerSample: i32, dense: i32, channels: i32): void {
  const pixels = batch * pixelsPerSample
  const start = ownPixelsStart(pixels)
  const end = ownPixelsEnd(pixels)
  let from = input + (usize(start * dense) << 2)
  let to = output + (usize(start * channels) << 2)
  for (let pixel = start; pixel < end; pixel++) {
    for (let i = 0; i < channels; i++, to += 4) {
      if (i < dense) {
        store<f32>(to, load<f32>(from))
        from += 4
      } else {
        store<f32>(to, 0)
      }
    }
  }
}
