/**
 * Decodes JPEG and PNG files into image sets in memory: unscaled if all images have one size and fit into memory, else
 * scaled to squares.
 */
import { createHash } from 'node:crypto'
import sharp, { type Sharp } from 'sharp'
import type { ImageSplit } from '../../core/data.ts'
import { BenchError } from '../../core/errors.ts'
import { pluralize } from '../../core/plainText.ts'
import { beyondLimit, limitOf } from '../../system/limits.ts'
import { squareScaler } from '../batches/imageView.ts'
import type { ImageSet } from '../dataset.ts'
import { type BrokenImages, reportSkipped } from './brokenImages.ts'
import { type FileTree, hashOfLines, readBounded } from './fileTree.ts'
import { darkNotes, decoding, type ImageHeader, largestOf, readHeader, undecodable } from './imageHeader.ts'
import type { LabelledFile } from './imageLayout.ts'

/** How to treat images that have several sizes or do not fit into memory. */
export interface ImageSize {
  /**
   * Side in pixels to which the central squares of images are scaled if the images differ in size or do not fit into
   * memory; null: such images are refused.
   */
  readonly imageSize: number | null
  /** The option with which the user sets the side of scaled images, for messages: `--image-size 32`. */
  readonly sizeSetting: string
}

export interface DecodeOptions extends ImageSize, BrokenImages {
  /** How images without folders for training and test images are divided; absent: by the default. */
  readonly split?: ImageSplit
  /** Called with lines for the user about the progress of decoding, and about files that are left out. */
  readonly report: (line: string) => void
}

interface Size {
  readonly height: number
  readonly width: number
}

export interface DecodedImages extends Size {
  /** The decoded images: one image set for each list of files. */
  readonly sets: readonly ImageSet[]
  /**
   * For scaled images only: SHA-256 of the bytes and labels of the image files, hexadecimal. It does not depend on the
   * target size.
   */
  readonly filesHash?: string
  /** Sentences for the user about peculiarities of the decoded images. */
  readonly notes: readonly string[]
}

/** Number of image files that are decoded concurrently. */
const AT_ONCE = 8
/**
 * Largest memory, in bytes, for the pixels of images that are being decoded concurrently; a larger image is decoded
 * alone.
 */
const MOST_BYTES_AT_ONCE = 2 ** 28
/** Time between two lines about the progress of decoding. */
const REPORT_EVERY_MS = 5000

/**
 * The error for images that can only be used if they are scaled: they have several sizes, or do not fit into memory.
 */
class MustBeScaled extends BenchError {}

/**
 * Decodes all files as RGB. Images that have one size and fit into memory stay unscaled, even if `imageSize` is given;
 * they are scaled when they are used (`viewImages`). Other images are scaled while they are decoded, by the same
 * method.
 * @param lists files of several image sets; in the result, all images have one size
 * @throws BenchError `corrupt` for a broken file (unless skipped); `bad-input` if the images need scaling and
 * `imageSize` is null
 */
export async function decodeImages(
  tree: FileTree,
  lists: readonly (readonly LabelledFile[])[],
  options: DecodeOptions,
): Promise<DecodedImages> {
  const { imageSize: side } = options
  try {
    return await decodeAll(tree, lists, options, await firstSize(tree, lists.flat(), options))
  } catch (error) {
    if (side === null || !(error instanceof MustBeScaled)) throw error
    return decodeAll(tree, lists, options, { height: side, width: side, scaled: true })
  }
}

/** Returns the size of the first image that can be opened. @throws BenchError if no image can be opened */
async function firstSize(tree: FileTree, files: readonly LabelledFile[], options: DecodeOptions): Promise<Size> {
  let failure: unknown
  for (const { path } of files) {
    try {
      return (await openImage(tree, path)).header
    } catch (error) {
      // Skipped files are reported when they are decoded.
      reportSkipped(error, { ...options, report: undefined })
      failure = error
    }
  }
  throw failure
}

/** An image file in memory, not yet decoded. */
interface Opened {
  /** Path of the image file, for messages. */
  readonly name: string
  readonly bytes: Buffer
  readonly header: ImageHeader
}

async function openImage(tree: FileTree, path: string): Promise<Opened> {
  const bytes = await tree.read(path, 'image-mib')
  const name = tree.locate(path)
  return { name, bytes, header: await readHeader(bytes, name) }
}

/**
 * Decodes all files.
 * @param size size of the decoded images: that of every file or, if `scaled` is true, the one to scale to
 */
async function decodeAll(
  tree: FileTree,
  lists: readonly (readonly LabelledFile[])[],
  options: DecodeOptions,
  { height, width, scaled = false }: Size & { readonly scaled?: boolean },
): Promise<DecodedImages> {
  const files = lists.flat()
  const { sizeSetting, report } = options
  requireFits(tree, files.length, { height, width }, sizeSetting)
  const length = height * width * 3
  const pixels = new Uint8Array(files.length * length)
  const facts = new Array<FileFacts | undefined>(files.length).fill(undefined)
  const withinBudget = byteBudget(MOST_BYTES_AT_ONCE)
  const countOne = counter(files.length, report)
  await eachFile(files, async ({ path, label }, i) => {
    try {
      const image = await openImage(tree, path)
      const { header } = image
      if (!scaled) requireSize(image, { height, width }, sizeSetting)
      const bytes = (header.width * header.height * 4 * header.bits) / 8
      const made = await withinBudget(bytes, () => pixelsOf(image, scaled ? height : null))
      pixels.set(made, i * length)
      facts[i] = factsOf(image, label, made)
    } catch (error) {
      if (error instanceof MustBeScaled) throw error
      reportSkipped(error, options)
    }
    countOne()
  })
  const kept = facts.filter((file) => file !== undefined)
  return {
    ...{ height, width, notes: darkNotes(kept) },
    sets: setsOf(lists, pixels, facts, length),
    ...(scaled && { filesHash: hashOfLines(kept.map(({ label, sha256 }) => `${label} ${sha256}`)) }),
  }
}

/**
 * Decodes the pixels of one image.
 * @param side side in pixels to which the central square is scaled; null: no scaling. Large JPEG images are first
 * shrunk by a power of two in the decoder, which is fast, and then scaled by box averages
 */
async function pixelsOf({ name, bytes, header }: Opened, side: number | null): Promise<Uint8Array> {
  const image = sharp(bytes, decoding())
  if (side === null) return rgb(image, header, name)
  const shrink = [8, 4, 2].find((n) => Math.min(header.width, header.height) >= n * side) ?? 1
  const size = { height: Math.floor(header.height / shrink), width: Math.floor(header.width / shrink) }
  const smaller = shrink === 1 ? image : image.resize(size.width, size.height, { fit: 'fill', kernel: 'linear' })
  return squareScaler({ ...size, channels: 3 }, side)(await rgb(smaller, size, name))
}

/**
 * Decodes one image file to RGB of eight bits, [height, width, 3]. If the image has another size and a square is asked
 * for, its central square is scaled by box averages, as in `decodeImages`.
 * @throws BenchError `missing`, `corrupt`, or `bad-input` for another size than a rectangle that was asked for
 */
export async function decodeImageFile(name: string, { height, width }: Size): Promise<Uint8Array> {
  const bytes = await readBounded(name, 'image-mib')
  const image = { name, bytes, header: await readHeader(bytes, name) }
  const { header } = image
  if (header.height === height && header.width === width) return pixelsOf(image, null)
  if (height === width) return pixelsOf(image, height)
  throw new BenchError(
    'bad-input',
    `${name} is ${header.height}×${header.width}, and the network takes ${height}×${width}; scale it first`,
  )
}

/** Decodes an image of any colour space to RGB of eight bits per channel. @throws BenchError `corrupt` */
async function rgb(image: Sharp, { height, width }: Size, name: string): Promise<Uint8Array> {
  const raw = image.toColourspace('srgb').removeAlpha().raw({ depth: 'uchar' })
  const pixels = await raw.toBuffer().catch((cause) => {
    throw undecodable(name, cause.message, cause)
  })
  if (pixels.length === height * width * 3) return pixels
  throw undecodable(name, `it is not ${height}×${width} as its header says`)
}

/** What is kept of each image file after decoding: its name, label and hash, and whether it may look too dark. */
interface FileFacts {
  readonly name: string
  readonly label: number
  readonly sha256: string
  /** For an image of 16 bits: its largest intensity divided by 256. */
  readonly largest?: number
}

const factsOf = ({ name, bytes, header }: Opened, label: number, pixels: Uint8Array): FileFacts => ({
  name,
  label,
  sha256: createHash('sha256').update(bytes).digest('hex'),
  ...(header.bits === 16 && { largest: largestOf(pixels) }),
})

/**
 * Splits the decoded pixels into one image set for each list of files, and closes the gaps that skipped images left.
 */
function setsOf(
  lists: readonly (readonly LabelledFile[])[],
  pixels: Uint8Array,
  facts: readonly unknown[],
  length: number,
): ImageSet[] {
  let first = 0
  return lists.map((files) => {
    const begin = first
    const labels: number[] = []
    for (const { label } of files) {
      const i = first++
      if (facts[i] === undefined) continue
      pixels.copyWithin((begin + labels.length) * length, i * length, (i + 1) * length)
      labels.push(label)
    }
    const count = labels.length
    return { count, pixels: pixels.subarray(begin * length, (begin + count) * length), labels: Int32Array.from(labels) }
  })
}

/** Returns a function to call after each decoded file. It reports the number of decoded files every five seconds. */
function counter(total: number, report: (line: string) => void): () => void {
  let done = 0
  let reportedMs = performance.now()
  return () => {
    done++
    if (done === total || performance.now() - reportedMs < REPORT_EVERY_MS) return
    reportedMs = performance.now()
    report(`decoded ${done} of ${total}`)
  }
}

/**
 * Calls `work` for every file in order, on up to eight files concurrently. No further file is begun after a failure,
 * which is thrown.
 */
async function eachFile(
  files: readonly LabelledFile[],
  work: (file: LabelledFile, index: number) => Promise<void>,
): Promise<void> {
  let next = 0
  let failed = false
  const worker = async () => {
    while (next < files.length && !failed) {
      const index = next++
      await work(files[index], index).catch((error) => {
        failed = true
        throw error
      })
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}

/**
 * Returns a function that delays each piece of work until all running work together needs at most `most` bytes of
 * memory. Work that needs more runs alone.
 */
function byteBudget(most: number): <T>(bytes: number, work: () => Promise<T>) => Promise<T> {
  let used = 0
  const waiting: (() => void)[] = []
  return async (bytes, work) => {
    while (used > 0 && used + bytes > most) await new Promise<void>((resolve) => waiting.push(resolve))
    used += bytes
    try {
      return await work()
    } finally {
      used -= bytes
      for (const wake of waiting.splice(0)) wake()
    }
  }
}

function requireFits(tree: FileTree, count: number, { height, width }: Size, sizeSetting: string): void {
  const gibibytes = (count * height * width * 3) / 2 ** 30
  if (gibibytes <= limitOf('dataset-gib')) return
  const found = `${tree.root}: ${pluralize(count, 'image')} of ${height}×${width} ${count === 1 ? 'takes' : 'take'} ${gibibytes.toFixed(1)} GiB of memory`
  const { code, message } = beyondLimit('dataset-gib', found, `scale them down with ${sizeSetting}`)
  throw new MustBeScaled(code, message)
}

function requireSize({ name, header }: Opened, { height, width }: Size, sizeSetting: string): void {
  if (header.height === height && header.width === width) return
  const found = `${name} is ${header.height}×${header.width}, the others ${height}×${width}`
  throw new MustBeScaled('bad-input', `${found}; make them one size, or scale all to one with ${sizeSetting}`)
}
