/**
 * Sliding windows as addresses: where a staged image has its pixels, where the patch of each output pixel segmentOffsets, and
 * the runs of floats that a patch consists of.
 */
import type { Value } from '../../../../core/network.ts'
import type { FilterWindow } from '../../../graph/graph.ts'
import { padTo4 } from '../../../plan/extent.ts'

/** A zero-bordered image; pixel (y, x) of the plain one stands at (border + spread·y, border + spread·x). */
export interface Staging {
  readonly height: number
  readonly width: number
  readonly border: number
  readonly spread: number
  /** As stored. */
  readonly channels: number
}

/** The image as it is. */
export function unstaged({ height, width, channels }: Value): Staging {
  return { height, width, border: 0, spread: 1, channels: padTo4(channels) }
}

/** Room for windows with up to this padding. */
export function forwardStaging({ height, width, channels }: Value, padding: number): Staging {
  return {
    height: height + 2 * padding,
    width: width + 2 * padding,
    border: padding,
    spread: 1,
    channels: padTo4(channels),
  }
}

/** Reach of the window beyond its first row, less the padding: where the transposed window begins. */
const lead = (extent: number, { padding, dilation }: FilterWindow) => (extent - 1) * dilation - padding

/**
 * The output gradient, so staged that the transposed window slides over it with stride 1: with outputs `stride` apart,
 *
 *   ∂L/∂x[i] = Σ_k g[i − lead + k·dilation]·w[K − 1 − k],   lead = (K − 1)·dilation − padding.
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

/** The same pixels, the same bytes: nothing to stage. */
export function isPlain({ height, width, border, spread }: Staging, value: Value): boolean {
  return height === value.height && width === value.width && border === 0 && spread === 1
}

/** A grid of points in a staged image: (top + step·y, left + step·x). */
export interface Grid {
  readonly height: number
  readonly width: number
  readonly top: number
  readonly left: number
  readonly step: number
}

/** Where the windows of a convolution start. */
export function windowGrid({ border }: Staging, output: Value, { stride, padding }: FilterWindow): Grid {
  const start = border - padding
  return { height: output.height, width: output.width, top: start, left: start, step: stride }
}

/** Where the transposed windows start. */
export function transposedGrid({ border }: Staging, input: Value, window: FilterWindow): Grid {
  const top = border - lead(window.height, window)
  const left = border - lead(window.width, window)
  return { height: input.height, width: input.width, top, left, step: 1 }
}

/** Where the image's own pixels stand. */
export function pixelGrid({ border, spread }: Staging, { height, width }: Value): Grid {
  return { height, width, top: border, left: border, step: spread }
}

/** Byte offsets of the grid's points for every sample of a batch, row by row. */
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

/** A patch as runs of `length` floats, each `segmentOffsets[i]` bytes from its beginning. */
export interface Patch {
  readonly segmentOffsets: Uint32Array
  readonly length: number
}

/** Whole rows of the window where it is not dilated, else tap by tap. */
export function patchOf(staging: Staging, window: FilterWindow): Patch {
  if (window.dilation > 1) return tapsOf(staging, window)
  const row = staging.width * staging.channels * 4
  return {
    segmentOffsets: Uint32Array.from({ length: window.height }, (_, y) => y * row),
    length: window.width * staging.channels,
  }
}

/** A patch with a run for each tap, in reading order. */
export function tapsOf({ width, channels }: Staging, window: FilterWindow): Patch {
  const segmentOffsets = Uint32Array.from({ length: window.height * window.width }, (_, tap) => {
    const y = Math.floor(tap / window.width) * window.dilation
    const x = (tap % window.width) * window.dilation
    return (y * width + x) * channels * 4
  })
  return { segmentOffsets, length: channels }
}
