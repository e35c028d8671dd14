/** One photograph: decoded, cut, scaled, jittered and normalised. Runs in worker threads. */
import { readFile } from 'node:fs/promises'
import sharp, { type Sharp } from 'sharp'
import { random } from '../core/random.ts'
import { brighten, type ColourMap, drawColourJitter, type Rgb } from './colourJitter.ts'
import type { ChannelStatistics } from './normalisation.ts'
import { centralWindow, randomWindow, type Size, type Window } from './resizedCrop.ts'

/** The same for all images of a stream. */
export interface PhotographSettings {
  /** Side of the network's input, in pixels. */
  readonly imageSize: number
  readonly statistics: ChannelStatistics
}

export interface Photograph {
  readonly path: string
  /** Names the random stream of the training transform; null: the central window, unchanged. */
  readonly augmentation: { readonly seed: number; readonly path: readonly (string | number)[] } | null
}

/**
 * Training: random window, mirrored with probability ½, colours jittered; validation: the central window. Any colour
 * space becomes RGB.
 * @returns [imageSize, imageSize, 3], normalised
 * @throws Error where the file cannot be read or decoded
 */
export async function decodePhotograph(photograph: Photograph, settings: PhotographSettings): Promise<Float32Array> {
  const bytes = await readFile(photograph.path)
  const image = sharp(bytes)
  const size = await image.metadata()
  const { augmentation } = photograph
  const stream = augmentation && random(augmentation.seed, ...augmentation.path)
  const window = stream === null ? centralWindow(size) : randomWindow(size, stream)
  const mirrored = stream !== null && stream.integer(2) === 1
  const pixels = await scaleWindow(image, size, window, settings.imageSize)
    .flop(mirrored)
    .toColourspace('srgb')
    .removeAlpha()
    .raw({ depth: 'uchar' })
    .toBuffer()
  const map = stream === null ? brighten(1) : drawColourJitter(meanColour(pixels), stream)
  return mapColours(pixels, map, settings.statistics)
}

/**
 * Scales the photograph so that the window becomes `side` × `side`, then cuts it out there: in this order the JPEG decoder
 * can leave out the detail of large files, and only the window is computed.
 */
function scaleWindow(image: Sharp, size: Size, window: Window, side: number): Sharp {
  const width = Math.max(side, Math.round((size.width * side) / window.width))
  const height = Math.max(side, Math.round((size.height * side) / window.height))
  const left = Math.min(width - side, Math.round((window.left * side) / window.width))
  const top = Math.min(height - side, Math.round((window.top * side) / window.height))
  return image
    .resize(width, height, { fit: 'fill', kernel: 'linear' })
    .extract({ left, top, width: side, height: side })
}

/** Of all pixels, 0 … 1. */
function meanColour(pixels: Uint8Array): Rgb {
  let red = 0
  let green = 0
  let blue = 0
  for (let at = 0; at < pixels.length; at += 3) {
    red += pixels[at]
    green += pixels[at + 1]
    blue += pixels[at + 2]
  }
  const unit = 255 * (pixels.length / 3)
  return [red / unit, green / unit, blue / unit]
}

/** (clamp(M·x + o) − mean) / std for x in 0 … 1, the normalisation folded into M, o and the limits. */
function mapColours(pixels: Uint8Array, { matrix, offset }: ColourMap, { mean, std }: ChannelStatistics): Float32Array {
  const [[rr, rg, rb], [gr, gg, gb], [br, bg, bb]] = matrix.map((row, i) => row.map((m) => m / 255 / std[i]))
  const [ro, go, bo] = offset.map((o, i) => (o - mean[i]) / std[i])
  const [rLow, gLow, bLow] = mean.map((m, i) => -m / std[i])
  const [rHigh, gHigh, bHigh] = mean.map((m, i) => (1 - m) / std[i])
  const out = new Float32Array(pixels.length)
  for (let at = 0; at < pixels.length; at += 3) {
    const r = pixels[at]
    const g = pixels[at + 1]
    const b = pixels[at + 2]
    const red = rr * r + rg * g + rb * b + ro
    const green = gr * r + gg * g + gb * b + go
    const blue = br * r + bg * g + bb * b + bo
    out[at] = red < rLow ? rLow : red > rHigh ? rHigh : red
    out[at + 1] = green < gLow ? gLow : green > gHigh ? gHigh : green
    out[at + 2] = blue < bLow ? bLow : blue > bHigh ? bHigh : blue
  }
  return out
}
