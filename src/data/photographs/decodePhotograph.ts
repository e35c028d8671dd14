/**
 * Turns one photograph into the network's input: decodes, crops, scales, jitters and normalises it. Runs in worker
 * threads.
 */
import { readFile } from 'node:fs/promises'
import sharp, { type Sharp } from 'sharp'
import { random } from '../../core/random.ts'
import type { ChannelStatistics } from '../batches/transforms.ts'
import { readBounded } from '../files/fileTree.ts'
import { darkNotes, decoding, largestOf, readHeader, undecodable } from '../files/imageHeader.ts'
import {
  brighten,
  type ColourMap,
  centralWindow,
  drawColourJitter,
  type Rgb,
  randomWindow,
  type Size,
  type Window,
} from './augmentation.ts'

/** Settings of decoding that are the same for all photographs of a dataset. */
export interface PhotographSettings {
  /** Side of the network's input image, in pixels. */
  readonly imageSize: number
  readonly statistics: ChannelStatistics
}

/** How to augment one photograph. */
export interface PhotographAugmentation {
  /** Seed of the random stream for the photograph's augmentation; `path` is the stream's name. */
  readonly seed: number
  readonly path: readonly (string | number)[]
  /** Whether to jitter the colours of the photograph. */
  readonly jitter: boolean
}

export interface Photograph {
  readonly path: string
  /** How to augment the photograph in training; null: the central crop, for validation. */
  readonly augmentation: PhotographAugmentation | null
}

/**
 * Decodes one photograph into `target`. With augmentation: a random crop, mirrored with probability ½, with or without
 * colour jitter. Without: the central crop. Every colour space becomes RGB.
 * @param target overwritten with the normalised image, [imageSize, imageSize, 3]
 * @returns a sentence for the user if the image has a peculiarity
 * @throws BenchError `corrupt` if the file cannot be decoded, `missing` if it cannot be read, `bad-input` beyond a
 * limit
 */
export async function decodePhotograph(
  { path, augmentation }: Photograph,
  { imageSize: side, statistics }: PhotographSettings,
  target: Float32Array,
): Promise<string | undefined> {
  const file = await openPhotograph(path)
  const kernel = await openKernel()
  if (augmentation === null) {
    const middle = await decodeWindow(file, centralWindow(file.size), side)
    kernel.finish(middle, { side, mirrored: false, statistics, colours: () => brighten(1) }, target)
    return darkNote(file, middle)
  }
  const stream = random(augmentation.seed, ...augmentation.path)
  const window = await decodeWindow(file, randomWindow(file.size, stream), side)
  const mirrored = stream.integer(2) === 1
  const colours = (mean: Rgb) => (augmentation.jitter ? drawColourJitter(mean, stream) : brighten(1))
  kernel.finish(window, { side, mirrored, statistics, colours }, target)
  return darkNote(file, window)
}

const darkNote = ({ path, bits }: OpenPhotograph, { pixels }: DecodedWindow): string | undefined =>
  bits === 16 ? darkNotes([{ name: path, largest: largestOf(pixels) }])[0] : undefined

let kernel: Promise<PhotographKernel> | undefined

function openKernel(): Promise<PhotographKernel> {
  kernel ??= PhotographKernel.open()
  return kernel
}

interface OpenPhotograph {
  readonly path: string
  readonly image: Sharp
  /** Bits per component of a pixel of the photograph. */
  readonly bits: number
  readonly size: Size
  /** Whether the decoder gives three channels for the photograph without a conversion of colours. */
  readonly isRgb: boolean
}

async function openPhotograph(path: string): Promise<OpenPhotograph> {
  const bytes = await readBounded(path, 'image-mib')
  const header = await readHeader(bytes, path)
  const isRgb = header.format === 'jpeg' && header.components === 3
  return { path, image: sharp(bytes, decoding()), bits: header.bits, size: header, isRgb }
}

/**
 * Decodes the pixels of a crop. Large JPEG images are shrunk by a power of two in the decoder, which is fast, as long
 * as the crop stays at least as large as the network's input. Final scaling and mirroring are left to the WebAssembly
 * kernel, since every further operation in the decoding library is slow.
 */
async function decodeWindow(
  { path, image, size, isRgb }: OpenPhotograph,
  whole: Window,
  side: number,
): Promise<DecodedWindow> {
  const shrink = [8, 4, 2].find((n) => Math.min(whole.width, whole.height) >= n * side) ?? 1
  const [wide, high] = [Math.floor(size.width / shrink), Math.floor(size.height / shrink)]
  const smaller = shrink === 1 ? image : image.resize(wide, high, { fit: 'fill', kernel: 'linear' })
  const x = overlap(whole.left, whole.width, size.width, wide)
  const y = overlap(whole.top, whole.height, size.height, high)
  const cut = smaller.extract({ left: x.first, top: y.first, width: x.count, height: y.count })
  const colours = isRgb ? cut : cut.toColourspace('srgb').removeAlpha()
  const raw = colours.raw({ depth: 'uchar' }).toBuffer()
  return {
    pixels: await raw.catch((cause) => Promise.reject(undecodable(path, cause.message, cause))),
    width: x.count,
    height: y.count,
    window: { left: x.start, top: y.start, width: x.extent, height: y.extent },
  }
}

/**
 * Converts an interval on an axis of `cells` pixels to the same axis shrunk to `fewer` pixels. Returns the first pixel
 * and the number of pixels that the interval touches, and the interval's start and extent relative to the first pixel.
 */
function overlap(start: number, extent: number, cells: number, fewer: number) {
  const scale = fewer / cells
  const first = Math.floor(start * scale)
  const count = Math.min(fewer, Math.ceil((start + extent) * scale)) - first
  return { first, count, start: start * scale - first, extent: extent * scale }
}

/** Decoded pixels, and the crop within them. */
export interface DecodedWindow extends Size {
  /** Decoded pixels in eight-bit RGB, [height, width, 3]. */
  readonly pixels: Uint8Array
  /** Position and size of the crop in the decoded pixels; fractional if the decoder shrank the image. */
  readonly window: Window
}

/** How the WebAssembly kernel turns a crop of a photograph into the network's input. */
export interface Finish {
  /** Side of the network's input image, in pixels. */
  readonly side: number
  readonly mirrored: boolean
  /** Returns the colour map to apply to the scaled crop. @param mean mean colour of the scaled crop, 0 … 1 */
  colours(mean: Rgb): ColourMap
  readonly statistics: ChannelStatistics
}

interface Exports {
  readonly memory: WebAssembly.Memory
  tableBytes(extent: number, to: number): number
  scale(...values: number[]): void
  meanColour(image: number, side: number, result: number): void
  recolour(image: number, pixels: number, map: number, output: number): void
}

const PAGE = 65536
/** Number of bytes of a vector of four floats in the kernel's memory. */
const VECTOR = 16
/** Byte offset in the kernel's memory at which free memory begins, above the constants of the compiled kernel. */
const START = 1024

/** An instance of the WebAssembly kernel with its memory, for one thread. It processes one photograph at a time. */
export class PhotographKernel {
  readonly #exports: Exports

  private constructor(module: WebAssembly.Module) {
    this.#exports = new WebAssembly.Instance(module).exports as unknown as Exports
  }

  static async open(): Promise<PhotographKernel> {
    return new PhotographKernel(await WebAssembly.compile(await readFile(new URL('photograph.wasm', import.meta.url))))
  }

  /**
   * Scales the crop (bilinear, antialiased), mirrors it if asked, changes its colours, clamps them to 0 … 1 and
   * normalises them.
   * @param target overwritten with the image, [side, side, 3]
   */
  finish(decoded: DecodedWindow, { side, mirrored, colours, statistics }: Finish, target: Float32Array): void {
    const { pixels, width, height, window } = decoded
    const { scale, meanColour, recolour, tableBytes } = this.#exports
    const map = START
    const scaled = map + 6 * VECTOR
    const output = scaled + side * side * VECTOR
    const input = output + VECTOR * Math.ceil((side * side * 12) / VECTOR + 1)
    const scratch = input + VECTOR * Math.ceil(pixels.length / VECTOR + 1)
    const tables = tableBytes(window.width, side) + tableBytes(window.height, side)
    this.#reserve(scratch + tables + width * 12 + 2 * VECTOR)
    const { buffer } = this.#exports.memory
    new Uint8Array(buffer).set(pixels, input)
    const part = [window.left, window.top, window.width, window.height]
    scale(input, width, height, ...part, scaled, side, Number(mirrored), scratch)
    meanColour(scaled, side, map)
    const [red, green, blue] = new Float32Array(buffer, map, 3)
    const vectors = normalised(colours([red / 255, green / 255, blue / 255]), statistics)
    new Float32Array(buffer, map, vectors.length).set(vectors)
    recolour(scaled, side * side, map, output)
    target.set(new Float32Array(buffer, output, target.length))
  }

  #reserve(bytes: number): void {
    const { memory } = this.#exports
    const missing = bytes - memory.buffer.byteLength
    if (missing > 0) memory.grow(Math.ceil(missing / PAGE))
  }
}

/**
 * Combines colour map and normalisation to one map of eight-bit pixels: (clamp(M·x / 255 + o) − mean) / std.
 * @returns the six vectors that the kernel takes: three columns of the matrix, offset, lower limit, upper limit
 */
function normalised({ matrix, offset }: ColourMap, { mean, std }: ChannelStatistics): number[] {
  const column = (j: number) => [...matrix.map((row, i) => row[j] / 255 / std[i]), 0]
  const shifted = (values: Rgb) => [...values.map((value, i) => (value - mean[i]) / std[i]), 0]
  return [column(0), column(1), column(2), shifted(offset), shifted([0, 0, 0]), shifted([1, 1, 1])].flat()
}
