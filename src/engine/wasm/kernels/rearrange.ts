/** Layers that only move numbers: channel maps (slice, concatenation, shuffle), crops, the image's channels. */
import { addTo, batch, keep, VECTOR } from './lanes'

/**
 * output[pixel, outputFrom + i] = input[pixel, map[i]] for i < count; what else stands in the output stays.
 *
 * @param map `count` channel numbers of the input
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
  for (let pixel = 0; pixel < pixels; pixel++) {
    const from = input + (usize(pixel * inputChannels) << 2)
    const to = output + (usize(pixel * outputChannels + outputFrom) << 2)
    for (let i = 0; i < count; i++) {
      const at = usize(i) << 2
      store<f32>(to + at, load<f32>(from + (load<u32>(map + at) << 2)))
    }
  }
}

/** result[pixel, map[i]] += gradient[pixel, outputFrom + i]: the way back through `gather`. */
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
  for (let pixel = 0; pixel < pixels; pixel++) {
    const from = gradient + (usize(pixel * outputChannels + outputFrom) << 2)
    const to = result + (usize(pixel * inputChannels) << 2)
    for (let i = 0; i < count; i++) {
      const at = usize(i) << 2
      const target = to + (load<u32>(map + at) << 2)
      store<f32>(target, load<f32>(target) + load<f32>(from + at))
    }
  }
}

/** output[pixel, outputFrom + i] = input[pixel, inputFrom + i] for i < count; all five multiples of 4. */
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
  let from = input + (usize(inputFrom) << 2)
  let to = output + (usize(outputFrom) << 2)
  for (let pixel = 0; pixel < pixels; pixel++) {
    for (let at: usize = 0; at < bytes; at += VECTOR) addTo(to + at, v128.load(from + at), kept)
    from += usize(inputChannels) << 2
    to += usize(outputChannels) << 2
  }
}

/** output = input[:, rows:, rows:, :] */
export function crop(input: usize, output: usize, height: i32, width: i32, channels: i32, rows: i32): void {
  const bytes = usize((width - rows) * channels) << 2
  let to = output
  for (let n = 0; n < batch; n++) {
    for (let y = rows; y < height; y++, to += bytes) {
      memory.copy(to, input + (usize(((n * height + y) * width + rows) * channels) << 2), bytes)
    }
  }
}

/** result[:, rows:, rows:, :] += gradient */
export function cropGradient(gradient: usize, result: usize, height: i32, width: i32, channels: i32, rows: i32): void {
  const bytes = usize((width - rows) * channels) << 2
  const kept = keep(1)
  let from = gradient
  for (let n = 0; n < batch; n++) {
    for (let y = rows; y < height; y++) {
      let to = result + (usize(((n * height + y) * width + rows) * channels) << 2)
      for (const end = from + bytes; from < end; from += VECTOR, to += VECTOR) addTo(to, v128.load(from), kept)
    }
  }
}

/** Pixels of `dense` channels → pixels of `channels` (the next multiple of 4), filled with zeros. */
export function widen(input: usize, output: usize, pixelsPerSample: i32, dense: i32, channels: i32): void {
  const pixels = batch * pixelsPerSample
  let from = input
  let to = output
  for (let pixel = 0; pixel < pixels; pixel++) {
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
