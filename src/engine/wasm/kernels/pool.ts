/**
 * Kernels of average and max pooling, whose windows are cut off at the border of the image, and of the mean over the
 * whole image.
 */
import { addTo, batch, keep, ownEnd, ownStart, VECTOR } from './lanes'

/** Values of the parameter `mode` of `overWindows`, which tells which pooling kernel the function computes. */
const AVERAGE: i32 = 0
const AVERAGE_GRADIENT: i32 = 1
const MAXIMUM: i32 = 2
const FROZEN_MAXIMUM: i32 = 3
const MAXIMUM_GRADIENT: i32 = 4

/**
 * Computes one of the pooling kernels, forward or backward. It goes through all windows of this thread's samples,
 * through the channels of each window, and through the pixels of the window that are inside the image. `mode` is a
 * constant wherever this function is inlined, so the compiler keeps only that kernel's branch. Addresses that a kernel
 * does not use are 0.
 *
 * @param image address of the values that are pooled
 * @param mask address of the values whose largest pixel in each window is chosen, in the layout of `image`
 * @param largest address of the maximum of each window of `mask`
 * @param windows address of the pooled values, or of their gradient
 * @param result address of the gradient of `image`, to which the kernel adds
 */
// @ts-ignore: decorator
@inline
function overWindows(
  mode: i32,
  image: usize,
  mask: usize,
  largest: usize,
  windows: usize,
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
  let window = usize(ownStart(batch) * outputHeight * outputWidth) * pixel
  for (let n = ownStart(batch); n < end; n++) {
    const sample = usize(n * height * width) * pixel
    for (let y = 0; y < outputHeight; y++) {
      const top = max(y * stride - padding, 0)
      const bottom = min(y * stride - padding + kernel, height)
      for (let x = 0; x < outputWidth; x++) {
        const left = max(x * stride - padding, 0)
        const right = min(x * stride - padding + kernel, width)
        const share = f32x4.splat(f32(1.0 / f64((bottom - top) * (right - left))))
        for (let channel: usize = 0; channel < pixel; channel += VECTOR, window += VECTOR) {
          let pooled = f32x4.splat(mode == MAXIMUM ? -Infinity : 0)
          let gradient = f32x4.splat(0)
          let maximum = f32x4.splat(0)
          // All ones in lanes whose largest pixel has not been found yet.
          let isOpen = i32x4.splat(-1)
          if (mode == AVERAGE_GRADIENT) gradient = f32x4.mul(v128.load(windows + window), share)
          if (mode == MAXIMUM_GRADIENT) gradient = v128.load(windows + window)
          if (mode == FROZEN_MAXIMUM || mode == MAXIMUM_GRADIENT) maximum = v128.load(largest + window)
          for (let row = top; row < bottom; row++) {
            let at = sample + usize(row * width + left) * pixel + channel
            for (let column = left; column < right; column++, at += pixel) {
              if (mode == AVERAGE) {
                pooled = f32x4.add(pooled, v128.load(image + at))
              } else if (mode == AVERAGE_GRADIENT) {
                v128.store(result + at, f32x4.add(v128.load(result + at), gradient))
              } else if (mode == MAXIMUM) {
                pooled = f32x4.max(pooled, v128.load(image + at))
              } else {
                const isChosen = v128.and(f32x4.eq(v128.load(mask + at), maximum), isOpen)
                isOpen = v128.andnot(isOpen, isChosen)
                if (mode == FROZEN_MAXIMUM) pooled = v128.or(pooled, v128.and(v128.load(image + at), isChosen))
                else v128.store(result + at, f32x4.add(v128.load(result + at), v128.and(gradient, isChosen)))
              }
            }
          }
          if (mode == AVERAGE) v128.store(windows + window, f32x4.mul(pooled, share))
          if (mode == MAXIMUM || mode == FROZEN_MAXIMUM) v128.store(windows + window, pooled)
        }
      }
    }
  }
}

/** Computes average pooling: output = mean over the pixels of each window that are inside the image. */
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
  overWindows(
    AVERAGE, input, 0, 0, output, 0,
    height, width, channels, outputHeight, outputWidth, kernel, stride, padding,
  )
}

/** Adds the gradient of the input of `avgPool` to `result`. */
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
  overWindows(
    AVERAGE_GRADIENT, 0, 0, 0, gradient, result,
    height, width, channels, outputHeight, outputWidth, kernel, stride, padding,
  )
}

/** Computes max pooling: output = maximum over the pixels of each window that are inside the image. */
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
  overWindows(
    MAXIMUM, input, 0, 0, output, 0,
    height, width, channels, outputHeight, outputWidth, kernel, stride, padding,
  )
}

/**
 * Computes a frozen max pooling: from each window, the entry of `input` at the pixel where the recorded input was
 * largest.
 *
 * @param mask address of the recorded input, in the layout of `input`
 * @param largest address of the output of `maxPool` for the recorded input
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
  overWindows(
    FROZEN_MAXIMUM, input, mask, largest, output, 0,
    height, width, channels, outputHeight, outputWidth, kernel, stride, padding,
  )
}

/**
 * Adds the gradient of the input of `maxPool` to `result`. A window's gradient goes to the pixel that is the maximum;
 * of equal pixels to the first, row by row.
 */
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
  overWindows(
    MAXIMUM_GRADIENT, 0, input, output, gradient, result,
    height, width, channels, outputHeight, outputWidth, kernel, stride, padding,
  )
}

/** Computes the mean of each channel over all pixels of an image: output [batch, channels]. */
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

/** Computes the gradient of the input of `globalMean`. @param accumulate 1: add to `result`; 0: overwrite it */
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
