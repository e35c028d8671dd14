/** One photograph: decoded, cut, scaled, jittered and normalised. Runs in worker threads. */
import sharp, { type Sharp } from 'sharp'
import { random } from '../../core/random.ts'
import type { ChannelStatistics } from '../batches/normalisation.ts'
import { readBounded } from '../files/fileTree.ts'
import { darkNotes, decoding, largestOf, readHeader, undecodable } from '../files/imageHeader.ts'
import { brighten, drawColourJitter, type Rgb } from './colourJitter.ts'
import { type DecodedWindow, PhotographKernel } from './photographKernel.ts'
import { centralWindow, randomWindow, type Size, type Window } from './resizedCrop.ts'

/** The same for all images of a stream. */
export interface PhotographSettings {
  /** Side of the network's input, in pixels. */
  readonly imageSize: number
  readonly statistics: ChannelStatistics
}

export interface PhotographAugmentation {
  readonly seed: number
  readonly path: readonly (string | number)[]
  readonly jitter: boolean
}

export interface Photograph {
  readonly path: string
  /** Names the random stream of the training transform, with or without a change of colours; null: the central window. */
  readonly augmentation: PhotographAugmentation | null
}

/**
 * Training: random window, mirrored with probability ½, colours jittered or not; validation: the central window. Any
 * colour space becomes RGB.
 * @param target overwritten with [imageSize, imageSize, 3], normalised
 * @returns what the user should know of the image, if anything
 * @throws BenchError `corrupt` where the file cannot be decoded, `missing` where it cannot be read, `bad-input` beyond a limit
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
  /** Of a component of a pixel. */
  readonly bits: number
  readonly size: Size
  /** The decoder gives three channels as it is. */
  readonly isRgb: boolean
}

async function openPhotograph(path: string): Promise<OpenPhotograph> {
  const bytes = await readBounded(path, 'image-mib')
  const header = await readHeader(bytes, path)
  const isRgb = header.format === 'jpeg' && header.components === 3
  return { path, image: sharp(bytes, decoding()), bits: header.bits, size: header, isRgb }
}

/**
 * The pixels of a window. Of large photographs a JPEG decoder leaves out detail by powers of two, as long as the window
 * stays no smaller than what it is scaled to. Every further operation of the decoding library costs as much as its pixels,
 * which is why scaling and mirroring are done elsewhere.
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

/** Where a stretch lies once `cells` have become `fewer`: the cells that it touches, and its start and extent in those. */
function overlap(start: number, extent: number, cells: number, fewer: number) {
  const scale = fewer / cells
  const first = Math.floor(start * scale)
  const count = Math.min(fewer, Math.ceil((start + extent) * scale)) - first
  return { first, count, start: start * scale - first, extent: extent * scale }
}
