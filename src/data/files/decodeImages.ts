/** JPEG and PNG files decoded into one image set in memory. */
import pLimit from 'p-limit'
import type { Sharp } from 'sharp'
import { BenchError } from '../../core/errors.ts'
import type { ImageSet } from '../dataset.ts'
import type { FileTree } from './fileTree.ts'
import type { LabelledFile } from './imageLayout.ts'

export interface DecodeOptions {
  /** Scale and centre-crop to this side; null: all images must have one size already. */
  readonly imageSize: number | null
  /** What to do with a file that cannot be decoded. */
  readonly brokenImages: 'fail' | 'skip'
  /** Told what is going on, in lines for the user. */
  readonly report: (line: string) => void
}

interface Size {
  readonly height: number
  readonly width: number
}

export interface DecodedImages extends Size {
  readonly set: ImageSet
}

/** Pixels of images kept in memory at most; larger sets are for streaming. */
const MOST_BYTES = 2 ** 31
const AT_ONCE = 16
/** Between two lines that say how far it is. */
const PATIENCE_MS = 5000

/**
 * All files, in their order, as RGB.
 * @param expected the size that they must have; that of the first where absent
 * @throws BenchError `corrupt` for a broken file (unless skipped); `bad-input` where sizes differ or the set is too large
 */
export async function decodeImages(
  tree: FileTree,
  files: readonly LabelledFile[],
  options: DecodeOptions,
  expected?: Size,
): Promise<DecodedImages> {
  const { default: sharp } = await import('sharp')
  sharp.concurrency(1)
  const decode = (path: string) => decodeImage(tree, path, (bytes) => prepare(sharp(bytes), options.imageSize))
  const { height, width } = expected ?? (await firstSize(files, decode))
  const length = height * width * 3
  requireFits(tree, files.length * length)
  const pixels = new Uint8Array(files.length * length)
  const kept = new Uint8Array(files.length)
  const limit = pLimit(AT_ONCE)
  const countOne = counter(files.length, options.report)
  const decodeAt = async (file: LabelledFile, i: number) => {
    const image = await decode(file.path).catch((error) => unlessSkipped(error, options))
    countOne()
    if (image === undefined) return
    requireSize(tree, file.path, image, { height, width })
    pixels.set(image.pixels, i * length)
    kept[i] = 1
  }
  await Promise.all(files.map((file, i) => limit(decodeAt, file, i)))
  return { set: compact(pixels, files, kept, length), height, width }
}

/** Says now and then how many of the files are decoded. */
function counter(total: number, report: (line: string) => void): () => void {
  let done = 0
  let said = performance.now()
  return () => {
    done++
    if (done === total || performance.now() - said < PATIENCE_MS) return
    said = performance.now()
    report(`decoded ${done} of ${total}`)
  }
}

interface Decoded extends Size {
  readonly pixels: Uint8Array
}

async function decodeImage(tree: FileTree, path: string, pipeline: (bytes: Buffer) => Sharp): Promise<Decoded> {
  try {
    const { data, info } = await pipeline(await tree.read(path)).toBuffer({ resolveWithObject: true })
    return { pixels: data, height: info.height, width: info.width }
  } catch (cause) {
    const reason = (cause as Error).message.split('\n')[0]
    throw new BenchError(
      'corrupt',
      `${tree.locate(path)} cannot be decoded (${reason}); replace it or skip broken images`,
      {
        cause,
      },
    )
  }
}

/** Any colour space → three channels of eight bits. */
function prepare(image: Sharp, imageSize: number | null): Sharp {
  const sized = imageSize === null ? image : image.resize(imageSize, imageSize, { fit: 'cover' })
  return sized.toColourspace('srgb').removeAlpha().raw({ depth: 'uchar' })
}

/** The size of the first image that can be decoded. */
async function firstSize(files: readonly LabelledFile[], decode: (path: string) => Promise<Decoded>): Promise<Size> {
  let failure: unknown
  for (const { path } of files) {
    try {
      return await decode(path)
    } catch (error) {
      failure = error
    }
  }
  throw failure
}

function unlessSkipped(error: unknown, { brokenImages, report }: DecodeOptions): undefined {
  if (brokenImages === 'fail' || !(error instanceof BenchError)) throw error
  report(`skipped: ${error.message}`)
}

function requireFits(tree: FileTree, bytes: number): void {
  if (bytes <= MOST_BYTES) return
  throw new BenchError(
    'unsupported',
    `${tree.root}: its images take ${(bytes / 2 ** 30).toFixed(1)} GiB of memory, more than 2; give a smaller image size`,
  )
}

function requireSize(tree: FileTree, path: string, found: Decoded, expected: Size): void {
  if (found.height === expected.height && found.width === expected.width) return
  throw new BenchError(
    'bad-input',
    `${tree.locate(path)} is ${found.height}×${found.width}, the others ${expected.height}×${expected.width}; ` +
      'expected one size, or an image size to scale all to',
  )
}

/** Closes the gaps of skipped images. */
function compact(pixels: Uint8Array, files: readonly LabelledFile[], kept: Uint8Array, length: number): ImageSet {
  let count = 0
  const labels = new Int32Array(files.length)
  files.forEach(({ label }, i) => {
    if (kept[i] === 0) return
    if (count < i) pixels.copyWithin(count * length, i * length, (i + 1) * length)
    labels[count++] = label
  })
  return { count, pixels: pixels.subarray(0, count * length), labels: labels.subarray(0, count) }
}
