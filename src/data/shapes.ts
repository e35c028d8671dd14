/**
 * The embedded dataset `shapes`: small labelled images drawn by a seeded generator. Three cues distinguish the ten
 * classes, none sufficient alone: the object's outline (one of five), a striped texture (five orientations at two
 * frequencies, jittered), and a colour bias that is no larger than its spread. The background is low-frequency clutter.
 *
 * Every image is a pure function of (options, split, index), so any subset can be drawn alone.
 */
import { createHash } from 'node:crypto'
import { once } from '../core/onceEach.ts'
import { type RandomStream, random } from '../core/random.ts'
import { channelStatistics } from './batches/transforms.ts'
import type { Dataset, ImageSet } from './dataset.ts'

/** The outline of an object that a class of images shows, centred in the unit disc. */
export interface Outline {
  readonly name: string
  /** Returns the signed distance of a point to the outline: negative inside the object. */
  distance(x: number, y: number): number
}

export const OUTLINES: readonly Outline[] = [
  { name: 'disc', distance: (x, y) => radius(x, y) - 0.8 },
  { name: 'square', distance: (x, y) => box(x, y, 0.7, 0.7) },
  { name: 'triangle', distance: triangle },
  { name: 'ring', distance: (x, y) => Math.abs(radius(x, y) - 0.7) - 0.22 },
  { name: 'cross', distance: (x, y) => Math.min(box(x, y, 0.95, 0.28), box(x, y, 0.28, 0.95)) },
]

/**
 * Returns the signed distance of a point to an axis-parallel rectangle with half sides a and b, measured to the side
 * lines: the larger of the distances in x and in y.
 */
function box(x: number, y: number, a: number, b: number): number {
  return Math.max(Math.abs(x) - a, Math.abs(y) - b)
}

/**
 * Returns the signed distance of a point to an equilateral triangle with its corners on the unit circle: the largest of
 * the distances to the three side lines.
 */
function triangle(x: number, y: number): number {
  const slanted = (Math.sqrt(3) / 2) * Math.abs(x) + y / 2
  return Math.max(slanted, -y) - 0.5
}

/**
 * Returns the distance √(x² + y²) of a point from the origin. Math.hypot is far slower, since it guards against
 * overflow.
 */
function radius(x: number, y: number): number {
  return Math.sqrt(x * x + y * y)
}

export interface ShapesOptions {
  /** Side of the dataset's square images, in pixels. */
  readonly size: number
  /** Number of images in the training set; `test` is the number in the test set. */
  readonly train: number
  readonly test: number
  readonly seed: number
  /** Standard deviation of the pixel noise, for intensities 0 … 1. */
  readonly noise: number
  /**
   * How far an object's mean colour is shifted from grey towards the hue of its class. `colourSpread` is the standard
   * deviation of the objects' colours.
   */
  readonly colourTendency: number
  readonly colourSpread: number
  /** Median amplitude of the stripes. Over the images it varies by a factor from e^−contrast to e^contrast. */
  readonly texture: number
  readonly contrast: number
  /** Frequencies of the coarse and of the fine stripes, in cycles across the image. */
  readonly frequencies: readonly [number, number]
  /** Standard deviation of the background's mean colour, and also of the background's low-frequency variation. */
  readonly clutter: number
}

/** Options with which the images of the dataset `shapes` are drawn. */
export const SHAPES: ShapesOptions = {
  size: 16,
  train: 6000,
  test: 10_000,
  seed: 0,
  noise: 0.1,
  colourTendency: 0.25,
  colourSpread: 0.35,
  texture: 0.2,
  contrast: 0.9,
  frequencies: [2.2, 3.4],
  clutter: 0.15,
}

/** Version of the image generator, raised whenever the same options give other pixels. */
const VERSION = 2
/** Channel statistics of the training images with these options, which would take a second to draw. */
const STATISTICS = {
  mean: [0.4999077665441176, 0.5002258374183007, 0.4987767054738563],
  std: [0.27171543866209863, 0.2713630988252952, 0.2715890155210636],
}
const CLASSES = 10
const CHANNELS = 3
/**
 * Range of the stripes' random orientation, as a fraction of a half turn. Orientations of neighbouring classes differ
 * by a fifth of a half turn.
 */
const ORIENTATION_JITTER = 0.2
/** Number of control points of the background's random field along each side of an image. */
const GRID = 4

const FREQUENCY_NAMES = ['coarse', 'fine']
const CLASS_NAMES = Array.from(
  { length: CLASSES },
  (_, label) => `${FREQUENCY_NAMES[frequencyOf(label)]} ${OUTLINES[outlineOf(label)].name}`,
)

/** Returns the dataset `shapes`. Each of its images is drawn when it is first needed. */
export function shapes(options: ShapesOptions = SHAPES): Dataset {
  const train = drawnWhenNeeded(options, 'train', options.train)
  const test = drawnWhenNeeded(options, 'test', options.test)
  const statistics = once(() => (options === SHAPES ? STATISTICS : channelStatistics(train, CHANNELS)))
  return {
    name: 'shapes',
    shape: { height: options.size, width: options.size, channels: CHANNELS, classes: CLASSES },
    classNames: CLASS_NAMES,
    contentHash: createHash('sha256')
      .update(JSON.stringify({ generator: 'shapes', version: VERSION, ...SHAPES, ...options }))
      .digest('hex'),
    origin: `drawn by the built-in generator, seed ${options.seed}`,
    train,
    test,
    get mean() {
      return statistics().mean
    },
    get std() {
      return statistics().std
    },
  }
}

/** Returns the dataset `shapes` with its usual options, always the same object, so that no image is drawn twice. */
export const usualShapes = once(() => shapes())

/**
 * Returns the first `count` images of a split. Image i has class i mod 10, so every ten consecutive images have all ten
 * classes.
 */
function drawnWhenNeeded(options: ShapesOptions, split: 'train' | 'test', count: number): ImageSet {
  const length = options.size * options.size * CHANNELS
  const pixels = new Uint8Array(count * length)
  const labels = Int32Array.from({ length: count }, (_, index) => index % CLASSES)
  const canvas = new Float64Array(length)
  const isDrawn = new Uint8Array(count)
  const drawImage = (index: number): void => {
    if (isDrawn[index] === 1) return
    paint(canvas, options, labels[index], random(options.seed, 'shapes', split, index))
    toBytes(canvas, new Uint8ClampedArray(pixels.buffer, index * length, length))
    isDrawn[index] = 1
  }
  const all = once(() => {
    for (let index = 0; index < count; index++) drawImage(index)
    return pixels
  })
  return {
    count,
    labels,
    get pixels() {
      return all()
    },
    only(rows) {
      rows.forEach(drawImage)
      return { count, labels, pixels }
    },
  }
}

/** Paints one image layer by layer: background clutter, object, stripes, noise. */
function paint(canvas: Float64Array, options: ShapesOptions, label: number, stream: RandomStream): void {
  paintClutter(canvas, options, stream)
  paintObject(canvas, options, label, stream)
  addTexture(canvas, options, label, stream)
  addNoise(canvas, options.noise, stream)
}

/** Converts intensities from 0 … 1 to whole numbers 0 … 255, rounded and clamped. */
function toBytes(canvas: Float64Array, out: Uint8ClampedArray): void {
  for (let i = 0; i < canvas.length; i++) out[i] = 255 * canvas[i]
}

/**
 * Paints the background: for each channel a smooth random field, interpolated bilinearly between the points of a coarse
 * grid.
 */
function paintClutter(canvas: Float64Array, { size, clutter }: ShapesOptions, stream: RandomStream): void {
  const step = (GRID - 1) / size
  for (let channel = 0; channel < CHANNELS; channel++) {
    const base = 0.5 + clutter * stream.normal()
    const grid = Float64Array.from({ length: GRID * GRID }, () => base + clutter * stream.normal())
    for (let row = 0, at = channel; row < size; row++) {
      const top = Math.floor((row + 0.5) * step)
      const down = (row + 0.5) * step - top
      for (let column = 0; column < size; column++, at += CHANNELS) {
        const left = Math.floor((column + 0.5) * step)
        const right = (column + 0.5) * step - left
        const corner = top * GRID + left
        const upper = grid[corner] + right * (grid[corner + 1] - grid[corner])
        const lower = grid[corner + GRID] + right * (grid[corner + GRID + 1] - grid[corner + GRID])
        canvas[at] = upper + down * (lower - upper)
      }
    }
  }
}

/**
 * Paints an object with the outline of its class at a random position, rotation and scale, filled with one colour, with
 * smooth edges.
 */
function paintObject(canvas: Float64Array, options: ShapesOptions, label: number, stream: RandomStream): void {
  const { size } = options
  const { distance } = OUTLINES[outlineOf(label)]
  const colour = objectColour(options, label, stream)
  const scale = 0.45 + 0.3 * stream.uniform()
  const centreX = 0.8 * (1 - scale) * (2 * stream.uniform() - 1)
  const centreY = 0.8 * (1 - scale) * (2 * stream.uniform() - 1)
  const turn = 2 * Math.PI * stream.uniform()
  const cos = Math.cos(turn) / scale
  const sin = Math.sin(turn) / scale
  const pixelsAUnit = (scale * size) / 2
  for (let row = 0, at = 0; row < size; row++) {
    const y = (2 * row + 1) / size - 1 - centreY
    for (let column = 0; column < size; column++, at += CHANNELS) {
      const x = (2 * column + 1) / size - 1 - centreX
      const covered = Math.min(1, 0.5 - pixelsAUnit * distance(cos * x + sin * y, cos * y - sin * x))
      if (covered <= 0) continue
      for (let channel = 0; channel < CHANNELS; channel++) {
        canvas[at + channel] += covered * (colour[channel] - canvas[at + channel])
      }
    }
  }
}

/**
 * Draws the colour of an object: grey, shifted towards the hue of the class by `colourTendency`, with standard
 * deviation `colourSpread`.
 */
function objectColour({ colourTendency, colourSpread }: ShapesOptions, label: number, stream: RandomStream): number[] {
  const hue = (2 * Math.PI * ((3 * label) % CLASSES)) / CLASSES
  return Array.from({ length: CHANNELS }, (_, channel) => {
    const pull = Math.cos(hue - (2 * Math.PI * channel) / CHANNELS)
    return 0.5 + colourTendency * pull + colourSpread * stream.normal()
  })
}

/**
 * Adds stripes to an image: a plane wave with the orientation and frequency of the class, both jittered, and random
 * phase and contrast.
 */
function addTexture(canvas: Float64Array, options: ShapesOptions, label: number, stream: RandomStream): void {
  const { size } = options
  const angle = Math.PI * (((2 * label) % 5) / 5 + ORIENTATION_JITTER * (stream.uniform() - 0.5))
  const cycles = options.frequencies[frequencyOf(label)] * (0.85 + 0.3 * stream.uniform())
  const amplitude = options.texture * Math.exp(options.contrast * (2 * stream.uniform() - 1))
  const phase = 2 * Math.PI * stream.uniform()
  const alongX = ((2 * Math.PI * cycles) / size) * Math.cos(angle)
  const alongY = ((2 * Math.PI * cycles) / size) * Math.sin(angle)
  for (let row = 0, at = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      const stripe = amplitude * Math.sin(alongX * column + alongY * row + phase)
      for (let channel = 0; channel < CHANNELS; channel++) canvas[at++] += stripe
    }
  }
}

/**
 * Adds independent noise to each value of an image. Its density is triangular, which is nearly bell-shaped and needs
 * only 16 random bits per value.
 */
function addNoise(canvas: Float64Array, deviation: number, stream: RandomStream): void {
  const unit = deviation / Math.sqrt((2 * (256 * 256 - 1)) / 12)
  for (let i = 0; i < canvas.length; i += 2) {
    const word = stream.uint32()
    canvas[i] += unit * ((word & 255) + ((word >>> 8) & 255) - 255)
    canvas[i + 1] += unit * (((word >>> 16) & 255) + (word >>> 24) - 255)
  }
}

function outlineOf(label: number): number {
  return label % OUTLINES.length
}

function frequencyOf(label: number): number {
  return Math.floor(label / OUTLINES.length)
}
