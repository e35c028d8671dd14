/** Average and max pooling over windows that are cut off at the border of the image, and the mean over the whole image. */
import { addTo, batch, keep, ownEnd, ownStart, VECTOR } from './lanes'

/** Computes output = mean over the pixels of the window that are inside the image. */
export function avgPool(
  input: usize,
  output: usize,
  height: i32,
  width: i32,
  channels: i32,
  outputHeight: i32,
  outputWidth: i32,
  kernel: i32,
  stride: i32,
  padding: i32,
): void {
  const pixel = usize(channels) << 2
  const end = ownEnd(batch)
  let to = output + usize(ownStart(batch) * outputHeight * outputWidth) * pixel
  for (let n = ownStart(batch); n < end; n++) {
    const image = input + usize(n * height * width) * pixel
    for (let y = 0; y < outputHeight; y++) {
      const top = max(y * stride - padding, 0)
      const bottom = min(y * stride - padding + kernel, height)
      for (let x = 0; x < outputWidth; x++) {
        const left = max(x * stride - padding, 0)
        const right = min(x * stride - padding + kernel, width)
        const share = f32x4.splat(f32(1.0 / f64((bottom - top) * (right - left))))
        for (let channel: usize = 0; channel < pixel; channel += VECTOR, to += VECTOR) {
          let sum = f32x4.splat(0)
          for (let row = top; row < bottom; row++) {
            let at = image + usize(row * width + left) * pixel + channel
            for (let column = left; column < right; column++, at += pixel) sum = f32x4.add(sum, v128.load(at))
          }
          v128.store(to, f32x4.mul(sum, share))
        }
      }
    }
  }
}

/** Computes result += input gradient of `avgPool`. */
export function avgPoolGradient(
  gradient: usize,
  result: usize,
  height: i32,
  width: i32,
  channels: i32,
  outputHeight: i32,
  outputWidth: i32,
  kernel: i32,
  stride: i32,
  padding: i32,
): void {
  const pixel = usize(channels) << 2
  const end = ownEnd(batch)
  let from = gradient + usize(ownStart(batch) * outputHeight * outputWidth) * pixel
  for (let n = ownStart(batch); n < end; n++) {
    const image = result + usize(n * height * width) * pixel
    for (let y = 0; y < outputHeight; y++) {
      const top = max(y * stride - padding, 0)
      const bottom = min(y * stride - padding + kernel, height)
      for (let x = 0; x < outputWidth; x++) {
        const left = max(x * stride - padding, 0)
        const right = min(x * stride - padding + kernel, width)
        const share = f32x4.splat(f32(1.0 / f64((bottom - top) * (right - left))))
        for (let channel: usize = 0; channel < pixel; channel += VECTOR, from += VECTOR) {
          const g = f32x4.mul(v128.load(from), share)
          for (let row = top; row < bottom; row++) {
            let at = image + usize(row * width + left) * pixel + channel
            for (let column = left; column < right; column++, at += pixel) {
              v128.store(at, f32x4.add(v128.load(at), g))
            }
          }
        }
      }
    }
  }
}

/** Computes output = maximum over the pixels of the window that are inside the image. */
export function maxPool(
  input: usize,
  output: usize,
  height: i32,
  width: i32,
  channels: i32,
  outputHeight: i32,
  outputWidth: i32,
  kernel: i32,
  stride: i32,
  padding: i32,
): void {
  const pixel = usize(channels) << 2
  const end = ownEnd(batch)
  let to = output + usize(ownStart(batch) * outputHeight * outputWidth) * pixel
  for (let n = ownStart(batch); n < end; n++) {
    const image = input + usize(n * height * width) * pixel
    for (let y = 0; y < outputHeight; y++) {
      const top = max(y * stride - padding, 0)
      const bottom = min(y * stride - padding + kernel, height)
      for (let x = 0; x < outputWidth; x++) {
        const left = max(x * stride - padding, 0)
        const right = min(x * stride - padding + kernel, width)
        for (let channel: usize = 0; channel < pixel; channel += VECTOR, to += VECTOR) {
          let largest = f32x4.splat(-Infinity)
          for (let row = top; row < bottom; row++) {
            let at = image + usize(row * width + left) * pixel + channel
            for (let column = left; column < right; column++, at += pixel) {
              largest = f32x4.max(largest, v128.load(at))
            }
          }
          v128.store(to, largest)
        }
      }
    }
  }
}

/**
 * Computes a frozen max pooling: output = the entry of `input` at the pixel that `maxPool` chose in each window of `mask`.
 *
 * @param mask the input at which the pooling was frozen
 * @param largest the output of `maxPool` for `mask`
 */
export function frozenMaxPool(
  input: usize,
  mask: usize,
  largest: usize,
  output: usize,
  height: i32,
  width: i32,
  channels: i32,
  outputHeight: i32,
  outputWidth: i32,
  kernel: i32,
  stride: i32,
  padding: i32,
): void {
  const pixel = usize(channels) << 2
  const end = ownEnd(batch)
  let to = usize(ownStart(batch) * outputHeight * outputWidth) * pixel
  for (let n = ownStart(batch); n < end; n++) {
    const image = usize(n * height * width) * pixel
    for (let y = 0; y < outputHeight; y++) {
      const top = max(y * stride - padding, 0)
      const bottom = min(y * stride - padding + kernel, height)
      for (let x = 0; x < outputWidth; x++) {
        const left = max(x * stride - padding, 0)
        const right = min(x * stride - padding + kernel, width)
        for (let channel: usize = 0; channel < pixel; channel += VECTOR, to += VECTOR) {
          const maximum = v128.load(largest + to)
          let free = i32x4.splat(-1)
          let chosen = f32x4.splat(0)
          for (let row = top; row < bottom; row++) {
            let at = image + usize(row * width + left) * pixel + channel
            for (let column = left; column < right; column++, at += pixel) {
              const taken = v128.and(f32x4.eq(v128.load(mask + at), maximum), free)
              free = v128.andnot(free, taken)
              chosen = v128.or(chosen, v128.and(v128.load(input + at), taken))
            }
          }
          v128.store(output + to, chosen)
        }
      }
    }
  }
}

/** Computes result += input gradient of `maxPool`: it goes to the first pixel, in reading order, that is the maximum. */
export function maxPoolGradient(
  input: usize,
  output: usize,
  gradient: usize,
  result: usize,
  height: i32,
  width: i32,
  channels: i32,
  outputHeight: i32,
  outputWidth: i32,
  kernel: i32,
  stride: i32,
  padding: i32,
): void {
  const pixel = usize(channels) << 2
  const end = ownEnd(batch)
  let from = usize(ownStart(batch) * outputHeight * outputWidth) * pixel
  for (let n = ownStart(batch); n < end; n++) {
    const image = usize(n * height * width) * pixel
    for (let y = 0; y < outputHeight; y++) {
      const top = max(y * stride - padding, 0)
      const bottom = min(y * stride - padding + kernel, height)
      for (let x = 0; x < outputWidth; x++) {
        const left = max(x * stride - padding, 0)
        const right = min(x * stride - padding + kernel, width)
        for (let channel: usize = 0; channel < pixel; channel += VECTOR, from += VECTOR) {
          const g = v128.load(gradient + from)
          const largest = v128.load(output + from)
          let free = i32x4.splat(-1)
          for (let row = top; row < bottom; row++) {
            let at = image + usize(row * width + left) * pixel + channel
            for (let column = left; column < right; column++, at += pixel) {
              const taken = v128.and(f32x4.eq(v128.load(input + at), largest), free)
              free = v128.andnot(free, taken)
              v128.store(result + at, f32x4.add(v128.load(result + at), v128.and(g, taken)))
            }
          }
        }
      }
    }
  }
}

/** Computes output [batch, channels] = mean over the pixels. */
export function globalMean(input: usize, output: usize, pixels: i32, channels: i32): void {
  const pixel = usize(channels) << 2
  const share = f32x4.splat(f32(1.0 / f64(pixels)))
  const lastSample = ownEnd(batch)
  let to = output + usize(ownStart(batch)) * pixel
  for (let n = ownStart(batch); n < lastSample; n++) {
    const image = input + usize(n * pixels) * pixel
    const end = image + usize(pixels) * pixel
    for (let channel: usize = 0; channel < pixel; channel += VECTOR, to += VECTOR) {
      let sum = f32x4.splat(0)
      for (let at = image + channel; at < end; at += pixel) sum = f32x4.add(sum, v128.load(at))
      v128.store(to, f32x4.mul(sum, share))
    }
  }
}

/** Computes result (+)= input gradient of `globalMean`. */
export function globalMeanGradient(gradient: usize, result: usize, pixels: i32, channels: i32, accumulate: i32): void {
  const pixel = usize(channels) << 2
  const share = f32x4.splat(f32(1.0 / f64(pixels)))
  const kept = keep(accumulate)
  const lastSample = ownEnd(batch)
  let from = gradient + usize(ownStart(batch)) * pixel
  for (let n = ownStart(batch); n < lastSample; n++) {
    const image = result + usize(n * pixels) * pixel
    const end = image + usize(pixels) * pixel
    for (let channel: usize = 0; channel < pixel; channel += VECTOR, from += VECTOR) {
      const g = f32x4.mul(v128.load(from), share)
      for (let at = image + channel; at < end; at += pixel) addTo(at, g, kept)
    }
  }
}
