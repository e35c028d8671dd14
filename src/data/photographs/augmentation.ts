/**
 * The augmentation of photographs in ImageNet training (random resized crop and colour jitter), and the central crop
 * for validation.
 */
import type { RandomStream } from '../../core/random.ts'

/** A rectangular crop, in pixels of the photograph. */
export interface Window {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}

export interface Size {
  readonly width: number
  readonly height: number
}

/**
 * Range of the fraction of the photograph's area that a random crop covers; ASPECT is the range of the crop's width /
 * height (Szegedy et al., "Going Deeper with Convolutions", 2015).
 */
const AREA = [0.08, 1]
const ASPECT = [3 / 4, 4 / 3]
const ATTEMPTS = 10

/**
 * Draws a crop of random area (uniform), aspect ratio (log-uniform) and position. If ten attempts do not fit into the
 * image, returns the largest central crop with an allowed aspect ratio. This is torchvision's RandomResizedCrop.
 */
export function randomWindow(image: Size, stream: RandomStream): Window {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const area = image.width * image.height * between(AREA, stream)
    const aspect = Math.exp(between(ASPECT.map(Math.log), stream))
    const width = Math.round(Math.sqrt(area * aspect))
    const height = Math.round(Math.sqrt(area / aspect))
    if (width < 1 || height < 1 || width > image.width || height > image.height) continue
    const left = stream.integer(image.width - width + 1)
    const top = stream.integer(image.height - height + 1)
    return { left, top, width, height }
  }
  const aspect = Math.min(Math.max(image.width / image.height, ASPECT[0]), ASPECT[1])
  const width = Math.min(image.width, Math.round(image.height * aspect))
  const height = Math.min(image.height, Math.round(image.width / aspect))
  return { ...centred(image, { width, height }), width, height }
}

/**
 * Returns the central square crop with 224/256 of the shorter side, which equals scaling that side to 256 and cropping
 * 224×224.
 */
export function centralWindow(image: Size): Window {
  const side = Math.max(1, Math.round((Math.min(image.width, image.height) * 224) / 256))
  return { ...centred(image, { width: side, height: side }), width: side, height: side }
}

function centred(image: Size, window: Size): { left: number; top: number } {
  return {
    left: Math.floor((image.width - window.width) / 2),
    top: Math.floor((image.height - window.height) / 2),
  }
}

function between([low, high]: readonly number[], stream: RandomStream): number {
  return low + (high - low) * stream.uniform()
}

/** Red, green and blue of a colour. */
export type Rgb = readonly number[]

/**
 * An affine change of colours, rgb ↦ matrix·rgb + offset, for intensities 0 … 1. Colour jitter is one such map: it
 * changes brightness, contrast and saturation by up to 0.4, hue by up to 0.2 (`quark0/darts: cnn/train_imagenet.py`).
 * It departs from torchvision's for speed: hue rotates around the grey axis of the RGB cube, not in HSV, and values are
 * clamped once, after all four changes.
 */
export interface ColourMap {
  /** The 3 × 3 matrix of the colour map, row by row. */
  readonly matrix: readonly Rgb[]
  readonly offset: Rgb
}

/**
 * Largest relative change of brightness by colour jitter. Contrast and saturation follow; the hue's largest rotation is
 * a fraction of the circle.
 */
const BRIGHTNESS = 0.4
const CONTRAST = 0.4
const SATURATION = 0.4
const HUE = 0.2

/** Weights of red, green and blue in the grey value of a colour (ITU-R BT.601). */
const GREY: Rgb = [0.299, 0.587, 0.114]

/**
 * Draws the map of a colour jitter: changes of brightness, contrast, saturation and hue, in random order.
 * @param mean mean colour of the image, 0 … 1, which the change of contrast needs
 */
export function drawColourJitter(mean: Rgb, stream: RandomStream): ColourMap {
  const factor = (range: number) => 1 + range * (2 * stream.uniform() - 1)
  const [brightness, contrast, saturation] = [factor(BRIGHTNESS), factor(CONTRAST), factor(SATURATION)]
  const turn = 2 * Math.PI * HUE * (2 * stream.uniform() - 1)
  const changes: readonly ((mean: Rgb) => ColourMap)[] = [
    () => brighten(brightness),
    (current) => changeContrast(contrast, current),
    () => saturate(saturation),
    () => turnHue(turn),
  ]
  return [...stream.permutation(changes.length)].reduce(
    (map, i) => compose(changes[i](applyColour(map, mean)), map),
    brighten(1),
  )
}

/** Returns the colour to which the map changes a colour. */
export function applyColour({ matrix, offset }: ColourMap, colour: Rgb): Rgb {
  return matrix.map((row, i) => dot(row, colour) + offset[i])
}

/** Returns the map that changes the brightness of a colour x: b·x. */
export function brighten(b: number): ColourMap {
  return { matrix: matrixOf((i, j) => (i === j ? b : 0)), offset: [0, 0, 0] }
}

/** Returns the map that changes the contrast of a colour x: c·x + (1 − c)·(grey of the image's mean colour). */
export function changeContrast(c: number, mean: Rgb): ColourMap {
  const grey = (1 - c) * dot(GREY, mean)
  return { ...brighten(c), offset: [grey, grey, grey] }
}

/** Returns the map that changes the saturation of a colour x: s·x + (1 − s)·(grey of x). */
export function saturate(s: number): ColourMap {
  return { matrix: matrixOf((i, j) => (i === j ? s : 0) + (1 - s) * GREY[j]), offset: [0, 0, 0] }
}

/**
 * Returns the map that rotates a colour x around the grey axis by an angle: cos·x + (1 − cos)·(mean of x) + sin·(axis ×
 * x).
 */
export function turnHue(angle: number): ColourMap {
  const cos = Math.cos(angle)
  const along = Math.sin(angle) / Math.sqrt(3)
  const cross = matrixOf((i, j) => (i === j ? 0 : (j - i + 3) % 3 === 1 ? -along : along))
  return { matrix: matrixOf((i, j) => (i === j ? cos : 0) + (1 - cos) / 3 + cross[i][j]), offset: [0, 0, 0] }
}

/** Returns the colour map that applies `inner` and then `outer`. */
function compose(outer: ColourMap, inner: ColourMap): ColourMap {
  const column = (j: number) => inner.matrix.map((row) => row[j])
  return { matrix: matrixOf((i, j) => dot(outer.matrix[i], column(j))), offset: applyColour(outer, inner.offset) }
}

function matrixOf(entry: (i: number, j: number) => number): Rgb[] {
  return [0, 1, 2].map((i) => [0, 1, 2].map((j) => entry(i, j)))
}

function dot(a: Rgb, b: Rgb): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}
