/**
 * Normalisation and augmentation of small images. The training transform is that of DARTS and its descendants: random
 * crop of the zero-padded image, random flip, normalisation, cutout, in that order (`quark0/darts: cnn/utils.py`).
 */
import type { ImageShape } from '../../core/data.ts'
import type { RandomStream } from '../../core/random.ts'
import type { ImageSet } from '../dataset.ts'

export interface Augmentation {
  /**
   * Width in pixels of the black padding on each side of an image before a random crop of the original size; 0: no
   * crop.
   */
  readonly cropPadding: number
  /** Whether the augmentation mirrors an image left to right with probability ½. */
  readonly flip: boolean
  /** Side in pixels of the square that cutout sets to 0 after normalisation (DeVries & Taylor, 2017); 0: no cutout. */
  readonly cutout: number
}

/** Returns whether the augmentation changes any image. */
export const isAugmenting = ({ cropPadding, flip, cutout }: Augmentation): boolean =>
  cropPadding > 0 || flip || cutout > 0

/** The random choices for the augmentation of one image. */
export interface Placement {
  /** Row of the crop's upper left corner in the unpadded image, −cropPadding … cropPadding; `left` is its column. */
  readonly top: number
  readonly left: number
  readonly flip: boolean
  /** Centre of the cutout square, in pixels of the cropped image. */
  readonly centre: readonly [row: number, column: number]
}

/** Draws how to augment one image. It draws the same random numbers whichever transformations are switched on. */
export function drawPlacement(
  { height, width }: ImageShape,
  { cropPadding, flip }: Augmentation,
  stream: RandomStream,
): Placement {
  const top = stream.integer(2 * cropPadding + 1) - cropPadding
  const left = stream.integer(2 * cropPadding + 1) - cropPadding
  const mirrored = stream.integer(2) === 1
  return { top, left, flip: flip && mirrored, centre: [stream.integer(height), stream.integer(width)] }
}

/**
 * Normalises one image, without augmentation.
 * @param source intensities 0 … 255, [height, width, channels]
 * @param target overwritten with the normalised image, in the same shape
 * @param table normalised value of each intensity, 256 per channel (`normalisationTable`)
 */
export function normaliseImage(source: Uint8Array, target: Float32Array, table: Float32Array): void {
  const channels = table.length >>> 8
  for (let channel = 0; channel < channels; channel++) {
    const values = channel << 8
    for (let at = channel; at < source.length; at += channels) target[at] = table[values + source[at]]
  }
}

/**
 * Crops, flips and normalises one image. Source and target are [height, width, channels].
 * @param table normalised value of each intensity, 256 per channel (`normalisationTable`)
 */
export function placeImage(
  source: Uint8Array,
  target: Float32Array,
  { height, width, channels }: ImageShape,
  table: Float32Array,
  { top, left, flip }: Placement,
): void {
  for (let row = 0, at = 0; row < height; row++) {
    const y = row + top
    const outside = y < 0 || y >= height
    for (let column = 0; column < width; column++) {
      const x = (flip ? width - 1 - column : column) + left
      const from = outside || x < 0 || x >= width ? -1 : (y * width + x) * channels
      for (let channel = 0; channel < channels; channel++) {
        target[at++] = table[(channel << 8) + (from < 0 ? 0 : source[from + channel])]
      }
    }
  }
}

/**
 * Sets the square of side 2·⌊side / 2⌋ around the centre to 0, which is the channel mean after normalisation. The part
 * of the square beyond the image border is ignored, as in DARTS' code.
 */
export function cutOut(image: Float32Array, shape: ImageShape, side: number, [row, column]: Placement['centre']): void {
  const { height, width, channels } = shape
  const half = Math.floor(side / 2)
  const left = Math.max(0, column - half) * channels
  const right = Math.min(width, column + half) * channels
  for (let y = Math.max(0, row - half); y < Math.min(height, row + half); y++) {
    image.fill(0, y * width * channels + left, y * width * channels + right)
  }
}

/** Mean and standard deviation of each colour channel over a dataset, for intensities scaled to 0 … 1. */
export interface ChannelStatistics {
  readonly mean: readonly number[]
  readonly std: readonly number[]
}

/** Channel statistics of the CIFAR-10 training set, as in DARTS' code (`quark0/darts: cnn/utils.py`). */
export const CIFAR10: ChannelStatistics = {
  mean: [0.49139968, 0.48215827, 0.44653124],
  std: [0.24703233, 0.24348505, 0.26158768],
}

/**
 * Channel statistics of the CIFAR-100 training set, as in NAS-Bench-201's code (`D-X-Y/AutoDL-Projects: lib/datasets`).
 */
export const CIFAR100: ChannelStatistics = {
  mean: [129.3 / 255, 124.1 / 255, 112.4 / 255],
  std: [68.2 / 255, 65.4 / 255, 70.4 / 255],
}

/** Channel statistics of ImageNet16-120, as in NAS-Bench-201's code (`D-X-Y/AutoDL-Projects: lib/datasets`). */
export const IMAGENET16: ChannelStatistics = {
  mean: [122.68 / 255, 116.66 / 255, 104.01 / 255],
  std: [63.22 / 255, 61.26 / 255, 65.09 / 255],
}

/** Channel statistics of ImageNet that most published code uses (`pytorch/vision: references/classification`). */
export const IMAGENET: ChannelStatistics = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] }

/**
 * Computes mean and population standard deviation of each channel over all pixels, for intensities scaled to 0 … 1. The
 * result is exact, since it is computed from a histogram. A constant channel gets deviation 1, so that it normalises to
 * zeros.
 */
export function channelStatistics({ pixels }: ImageSet, channels: number): ChannelStatistics {
  const histograms = Array.from({ length: channels }, () => new Float64Array(256))
  for (let at = 0; at < pixels.length; at += channels) {
    for (let channel = 0; channel < channels; channel++) histograms[channel][pixels[at + channel]]++
  }
  const count = pixels.length / channels
  const mean = histograms.map((histogram) => moment(histogram, (value) => value) / count)
  const variance = histograms.map(
    (histogram, i) => moment(histogram, (value) => (value - mean[i]) * (value - mean[i])) / count,
  )
  return { mean, std: variance.map((v) => (v > 0 ? Math.sqrt(v) : 1)) }
}

/** Returns Σ f(intensity / 255) over all pixels that a histogram of the 256 intensities counts. */
function moment(histogram: Float64Array, f: (value: number) => number): number {
  return histogram.reduce((sum, n, value) => sum + n * f(value / 255), 0)
}

/**
 * Returns a table of the normalised value of each of the 256 intensities, one channel after the other: [channels ×
 * 256].
 */
export function normalisationTable({ mean, std }: ChannelStatistics): Float32Array {
  return Float32Array.from({ length: 256 * mean.length }, (_, i) => {
    const channel = i >>> 8
    return ((i & 255) / 255 - mean[channel]) / std[channel]
  })
}
