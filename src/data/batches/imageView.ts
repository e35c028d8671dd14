/** Selects images of a set and scales them to the size that a protocol or training asks for. */
import type { ImageShape } from '../../core/data.ts'
import { beyondLimit, limitOf } from '../../system/limits.ts'
import type { Dataset, ImageSet } from '../dataset.ts'

/** A selection of the images of an image set, in order. */
export interface ImageView {
  readonly set: ImageSet
  readonly shape: ImageShape
  /** Indices of the selected images in the image set. */
  readonly rows: Uint32Array
}

/**
 * Returns the selected images with their central squares scaled to `imageSize` × `imageSize` pixels. If `imageSize` is
 * null, the images are unchanged and not copied.
 * @throws BenchError `bad-input` if the scaled images do not fit into memory
 */
export function viewImages({ set: whole, shape, rows }: ImageView, imageSize: number | null): ImageView {
  const set = whole.only?.(rows) ?? whole
  if (imageSize === null || (imageSize === shape.height && imageSize === shape.width)) return { set, shape, rows }
  const length = shape.height * shape.width * shape.channels
  const scaledLength = imageSize * imageSize * shape.channels
  requireFits(rows.length * scaledLength, imageSize)
  const scale = squareScaler(shape, imageSize)
  const pixels = new Uint8Array(rows.length * scaledLength)
  rows.forEach((row, i) => {
    pixels.set(scale(set.pixels.subarray(row * length, (row + 1) * length)), i * scaledLength)
  })
  return {
    set: { count: rows.length, pixels, labels: Int32Array.from(rows, (row) => set.labels[row]) },
    shape: { ...shape, height: imageSize, width: imageSize },
    rows: everyRow(rows.length),
  }
}

/**
 * Returns the dataset with all images scaled to `imageSize` × `imageSize` pixels (null: unscaled). Its channel
 * statistics stay those of the unscaled images.
 */
export function scaledDataset(dataset: Dataset, imageSize: number | null): Dataset {
  const scaled = (set: ImageSet) => viewImages({ set, shape: dataset.shape, rows: everyRow(set.count) }, imageSize)
  const { set: train, shape } = scaled(dataset.train)
  const { set: test } = scaled(dataset.test)
  const { mean, std } = dataset
  return { ...dataset, shape, train, test, mean, std }
}

function requireFits(bytes: number, imageSize: number): void {
  const gibibytes = bytes / 2 ** 30
  if (gibibytes <= limitOf('dataset-gib')) return
  const found = `images scaled to ${imageSize}×${imageSize} take ${gibibytes.toFixed(1)} GiB of memory`
  throw beyondLimit('dataset-gib', found, 'give a smaller image size')
}

/** Returns the indices of all images of a set: 0 … count − 1. */
export function everyRow(count: number): Uint32Array {
  return Uint32Array.from({ length: count }, (_, i) => i)
}

/**
 * Returns a function that scales the central square of an image to `size` × `size` pixels by box averages: each source
 * pixel is weighted by the area of it that a target pixel covers. The function returns the same array at every call and
 * overwrites it.
 */
export function squareScaler(
  { height, width, channels }: Omit<ImageShape, 'classes'>,
  size: number,
): (image: Uint8Array) => Uint8Array {
  const side = Math.min(height, width)
  const weights = boxWeights(side, size)
  const rows = new Float64Array(size * side * channels)
  const scaled = new Uint8ClampedArray(size * size * channels)
  return (image) => {
    const square = centralSquare(image, { height, width, channels })
    average(square, rows, weights, { lines: 1, step: side * channels })
    average(rows, scaled, weights, { lines: size, step: channels })
    return new Uint8Array(scaled.buffer)
  }
}

/**
 * Returns the central square of an image: the longer side is cropped equally at both ends (by one pixel more at the
 * second end if the difference is odd).
 */
function centralSquare(image: Uint8Array, { height, width, channels }: Omit<ImageShape, 'classes'>): Uint8Array {
  if (height === width) return image
  const side = Math.min(height, width)
  const [top, left] = [Math.floor((height - side) / 2), Math.floor((width - side) / 2)]
  const square = new Uint8Array(side * side * channels)
  for (let y = 0; y < side; y++) {
    const from = ((top + y) * width + left) * channels
    square.set(image.subarray(from, from + side * channels), y * side * channels)
  }
  return square
}

/** Returns, for each target pixel of one axis, the source pixels that it covers and their weights in its average. */
function boxWeights(from: number, to: number): { readonly source: number; readonly weight: number }[][] {
  const box = from / to
  return Array.from({ length: to }, (_, target) => {
    const start = target * box
    const end = start + box
    const sources = Array.from({ length: Math.ceil(end - 1e-9) - Math.floor(start) }, (_, i) => Math.floor(start) + i)
    return sources.map((source) => ({
      source,
      weight: (Math.min(end, source + 1) - Math.max(start, source)) / box,
    }))
  })
}

/**
 * Averages an image along one axis. A source line is a sequence of vectors of `step` numbers; `weights` says which of
 * them are averaged to each target vector.
 */
function average(
  source: Uint8Array | Float64Array,
  target: Float64Array | Uint8ClampedArray,
  weights: ReturnType<typeof boxWeights>,
  { lines, step }: { readonly lines: number; readonly step: number },
): void {
  const sourceLine = source.length / lines
  for (let line = 0, at = 0; line < lines; line++) {
    for (const box of weights) {
      for (let i = 0; i < step; i++, at++) {
        let sum = 0
        for (const part of box) sum += part.weight * source[line * sourceLine + part.source * step + i]
        target[at] = sum
      }
    }
  }
}
