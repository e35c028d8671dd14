/** A node: the sum of its terms, each scaled and shifted by channel (see `norm.ts`); and the way back. */
import { addTo, batch, CHUNK, keep, madd, sumLanes, VECTOR } from './lanes'

/**
 * output = Σ_t enabled_t·(scale_t·value_t + shift_t)
 *
 * @param terms of each term four words: value, scale and shift ([2·channels] floats), address of its flag
 */
export function combine(terms: usize, count: i32, output: usize, pixelsPerSample: i32, channels: i32): void {
  const pixels = batch * pixelsPerSample
  const stride = usize(channels) << 2
  const termsEnd = terms + (usize(count) << 4)
  for (let first = 0; first < pixels; first += CHUNK) {
    const from = usize(first) * stride
    const to = usize(min(first + CHUNK, pixels)) * stride
    for (let channel: usize = 0; channel < stride; channel += VECTOR) {
      let started = false
      for (let term = terms; term < termsEnd; term += 16) {
        if (!load<i32>(load<usize>(term, 8))) continue
        const value = load<usize>(term)
        const table = load<usize>(term, 4) + channel
        const scale = v128.load(table)
        const shift = v128.load(table + stride)
        if (started) {
          for (let at = from + channel; at < to; at += stride) {
            const sum = f32x4.add(v128.load(output + at), shift)
            v128.store(output + at, madd(sum, v128.load(value + at), scale))
          }
        } else {
          for (let at = from + channel; at < to; at += stride) {
            v128.store(output + at, madd(shift, v128.load(value + at), scale))
          }
          started = true
        }
      }
      if (started) continue
      for (let at = from + channel; at < to; at += stride) v128.store(output + at, f32x4.splat(0))
    }
  }
}

/** result (+)= c·gradient: the way back through a term without normalisation. */
export function combinePlainGradient(
  gradient: usize,
  coefficient: usize,
  result: usize,
  pixelsPerSample: i32,
  channels: i32,
  accumulate: i32,
): void {
  const bytes = usize(batch * pixelsPerSample * channels) << 2
  const c = v128.load32_splat(coefficient)
  const kept = keep(accumulate)
  for (let at: usize = 0; at < bytes; at += VECTOR) {
    addTo(result + at, f32x4.mul(c, v128.load(gradient + at)), kept)
  }
}

/** result (+)= slope·gradient + curve·value + offset by channel: the way back through a normalised term. */
export function combineNormGradient(
  gradient: usize,
  value: usize,
  slopes: usize,
  result: usize,
  pixelsPerSample: i32,
  channels: i32,
  accumulate: i32,
): void {
  const pixels = batch * pixelsPerSample
  const stride = usize(channels) << 2
  const kept = keep(accumulate)
  for (let first = 0; first < pixels; first += CHUNK) {
    const from = usize(first) * stride
    const to = usize(min(first + CHUNK, pixels)) * stride
    for (let channel: usize = 0; channel < stride; channel += VECTOR) {
      const slope = v128.load(slopes + channel)
      const curve = v128.load(slopes + stride + channel)
      const offset = v128.load(slopes + 2 * stride + channel)
      for (let at = from + channel; at < to; at += stride) {
        const bent = madd(offset, v128.load(value + at), curve)
        addTo(result + at, madd(bent, v128.load(gradient + at), slope), kept)
      }
    }
  }
}

/** The sum of a·b over all entries, stored as a double: ∂L/∂c of a term without normalisation. */
export function inner(a: usize, b: usize, pixelsPerSample: i32, channels: i32, result: usize): void {
  const bytes = usize(batch * pixelsPerSample * channels) << 2
  const chunk = usize(CHUNK * channels) << 2
  let total: f64 = 0
  for (let from: usize = 0; from < bytes; from += chunk) {
    const to = min(from + chunk, bytes)
    let sum = f32x4.splat(0)
    for (let at = from; at < to; at += VECTOR) sum = madd(sum, v128.load(a + at), v128.load(b + at))
    total += sumLanes(sum)
  }
  store<f64>(result, total)
}
