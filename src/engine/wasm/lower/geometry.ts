/**
 * Computes where the sliding windows of convolutions lie in a staged image, the copy of an image with a zero border:
 * the offsets of its pixels, the offset at which the patch of each output pixel begins, and the segments of consecutive
 * floats that make up a patch.
 */
import type { Value } from '../../../core/network.ts'
import type { FilterWindow } from '../../graph/graph.ts'
import { padTo4 } from '../../plan/lowering.ts'

/**
 * The layout of a staged image, the copy of an image that a convolution reads: pixel (y, x) of the image lies at
 * (border + spread·y, border + spread·x), all other pixels are 0.
 */
export interface Staging {
  readonly height: number
  readonly width: number
  readonly border: number
  readonly spread: number
  /** Number of channels of the staged image, with padding channels. */
  readonly channels: number
}

/** Returns the layout of an image that is read without being copied: no border, no zeros between pixels. */
export function unstaged({ height, width, channels }: Value): Staging {
  return { height, width, border: 0, spread: 1, channels: padTo4(channels) }
}

/** Returns the layout of an image with a border of zeros of `padding` pixels on each side. */
export function forwardStaging({ height, width, channels }: Value, padding: number): Staging {
  return {
    height: height + 2 * padding,
    width: width + 2 * padding,
    border: padding,
    spread: 1,
    channels: padTo4(channels),
  }
}

/**
 * Returns how many pixels before an input pixel the transposed convolution's window for that pixel begins, (K −
 * 1)·dilation − padding. @param extent K, the window's height or width
 */
const lead = (extent: number, { padding, dilation }: FilterWindow) => (extent - 1) * dilation - padding

/**
 * Returns the layout of the staged gradient g of a convolution's output. The transposed convolution slides over g with
 * stride 1 and computes the gradient of the convolution's input x; w is the filter. The pixels of g lie `stride` apart:
 *
 * \n   ∂L/∂x[i] = Σ_k g[i − lead + k·dilation]·w[K − 1 − k],   lead = (K − 1)·dilation − padding.
 */
export function backwardStaging(input: Value, output: Value, window: FilterWindow): Staging {
  const border = Math.max(0, lead(window.height, window), lead(window.width, window))
  const extent = (size: number, outputs: number) =>
    border + Math.max(size + window.padding, window.stride * (outputs - 1) + 1)
  return {
    height: extent(input.height, output.height),
    width: extent(input.width, output.width),
    border,
    spread: window.stride,
    channels: padTo4(output.channels),
  }
}

/**
 * Tells whether the staged copy of a value would consist of the same bytes as the value itself, so that no copy is
 * needed.
 */
export function isPlain({ height, width, border, spread }: Staging, value: Value): boolean {
  return height === value.height && width === value.width && border === 0 && spread === 1
}

/** A grid of height × width points (top + step·y, left + step·x) in a staged image, given in pixels. */
export interface Grid {
  readonly height: number
  readonly width: number
  readonly top: number
  readonly left: number
  readonly step: number
}

/** Returns the grid of points, in the staged input, at which the windows of a convolution begin. */
export function windowGrid({ border }: Staging, output: Value, { stride, padding }: FilterWindow): Grid {
  const start = border - padding
  return { height: output.height, width: output.width, top: start, left: start, step: stride }
}

/** Returns the grid of points, in the staged gradient, at which the windows of the transposed convolution begin. */
export function transposedGrid({ border }: Staging, input: Value, window: FilterWindow): Grid {
  const top = border - lead(window.height, window)
  const left = border - lead(window.width, window)
  return { height: input.height, width: input.width, top, left, step: 1 }
}

/** Returns the grid of the original image's pixels in its staged copy, without the border. */
export function pixelGrid({ border, spread }: Staging, { height, width }: Value): Grid {
  return { height, width, top: border, left: border, step: spread }
}

/** Computes the byte offset of each point of a grid for every sample of a batch, row by row. */
export function gridOffsets(staging: Staging, grid: Grid, batchSize: number): Uint32Array {
  const offsets = new Uint32Array(batchSize * grid.height * grid.width)
  let at = 0
  for (let n = 0; n < batchSize; n++) {
    for (let y = 0; y < grid.height; y++) {
      const row = (n * staging.height + grid.top + grid.step * y) * staging.width + grid.left
      for (let x = 0; x < grid.width; x++) offsets[at++] = (row + grid.step * x) * staging.channels * 4
    }
  }
  return offsets
}

/**
 * The entries of a staged image that one window reads, as segments of `length` consecutive floats; segment i begins
 * `segmentOffsets[i]` bytes after the beginning of the patch.
 */
export interface Patch {
  readonly segmentOffsets: Uint32Array
  readonly length: number
}

/**
 * Returns a convolution's patch with one segment for each row of the window; if the window is dilated, one for each
 * tap.
 */
export function patchOf(staging: Staging, window: FilterWindow): Patch {
  if (window.dilation > 1) return tapsOf(staging, window)
  const row = staging.width * staging.channels * 4
  return {
    segmentOffsets: Uint32Array.from({ length: window.height }, (_, y) => y * row),
    length: window.width * staging.channels,
  }
}

/** Returns a convolution's patch with one segment for each tap of the window, row by row from left to right. */
export function tapsOf({ width, channels }: Staging, window: FilterWindow): Patch {
  const segmentOffsets = Uint32Array.from({ length: window.height * window.width }, (_, tap) => {
    const y = Math.floor(tap / window.width) * window.dilation
    const x = (tap % window.width) * window.dilation
    return (y * width + x) * channels * 4
  })
  return { segmentOffsets, length: channels }
}
