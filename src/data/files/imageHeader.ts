/** Reads the headers of image files (format, size, bit depth), to decide whether a file may be decoded. */
import { isMainThread } from 'node:worker_threads'
import sharp, { type SharpOptions } from 'sharp'
import { BenchError } from '../../core/errors.ts'
import { firstLine } from '../../core/plainText.ts'
import { beyondLimit, limitOf } from '../../system/limits.ts'

export interface ImageHeader {
  readonly format: 'jpeg' | 'png' | 'other'
  readonly width: number
  readonly height: number
  /**
   * Components per pixel of the image: 1 for grey, 3 for colour, 4 for print colours or for colour with transparency.
   */
  readonly components: number
  /** Bits per component of the image. */
  readonly bits: number
}

// The decoding library would also open SVG, PDF and a dozen other formats, whatever the file name. Only these are
// allowed. All threads of a process share the library: a second thread that blocked every format for a moment would let
// the images fail that the first one is decoding, and all later ones if it were stopped before it allows some again.
if (isMainThread) {
  sharp.block({ operation: ['VipsForeignLoad'] })
  sharp.unblock({
    operation: ['Jpeg', 'Png', 'Webp', 'Nsgif'].map((format) => `VipsForeignLoad${format}`),
  })
}

/** Returns the decoder's options for an image that `readHeader` has accepted. */
export const decoding = (): SharpOptions => ({ limitInputPixels: 1e6 * limitOf('image-megapixels') })

/**
 * Reads the header of a JPEG or PNG file; also of a WebP or GIF file, which some datasets contain under such names.
 * @param name of the file, for messages
 * @throws BenchError `bad-input` for more pixels than the limit `image-megapixels`; `corrupt` if it is no image file
 */
export async function readHeader(bytes: Buffer, name: string): Promise<ImageHeader> {
  const jpeg = readJpegHeader(bytes)
  const header: ImageHeader =
    (jpeg && { ...jpeg, bits: 8, format: 'jpeg' }) ?? readPngHeader(bytes) ?? (await decodersHeader(bytes, name))
  const megapixels = (header.width * header.height) / 1e6
  if (megapixels <= limitOf('image-megapixels')) return header
  throw beyondLimit(
    'image-megapixels',
    `${name} is ${header.height}×${header.width}, ${Math.ceil(megapixels)} megapixels`,
  )
}

const PNG = Buffer.from('\x89PNG\r\n\x1a\n\0\0\0\rIHDR', 'latin1')
/**
 * Components per pixel for each colour type in a PNG header: 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGB and
 * alpha.
 */
const COMPONENTS = [1, 0, 3, 3, 2, 0, 4]

/** Reads the header of a PNG file (W3C PNG specification, 11.2.1); returns undefined for other files. */
export function readPngHeader(bytes: Buffer): ImageHeader | undefined {
  if (bytes.length < PNG.length + 13 || !bytes.subarray(0, PNG.length).equals(PNG)) return undefined
  const [width, height] = [bytes.readUInt32BE(PNG.length), bytes.readUInt32BE(PNG.length + 4)]
  const [bits, colour] = [bytes[PNG.length + 8], bytes[PNG.length + 9]]
  const components = COMPONENTS[colour] ?? 0
  return width > 0 && height > 0 && components > 0 ? { format: 'png', width, height, components, bits } : undefined
}

async function decodersHeader(bytes: Buffer, name: string): Promise<ImageHeader> {
  try {
    const { width, height, channels } = await sharp(bytes, decoding()).metadata()
    return { format: 'other', width, height, components: channels, bits: 8 }
  } catch (cause) {
    throw undecodable(name, (cause as Error).message, cause)
  }
}

/**
 * Returns the error for an image file that cannot be decoded; `reportSkipped` adds what to do.
 * @param reason the decoder's message, of which the first line is shown
 */
export const undecodable = (name: string, reason: string, cause?: unknown): BenchError =>
  new BenchError('corrupt', `${name} cannot be decoded (${firstLine(reason)})`, { cause })

/**
 * Fraction of the 16-bit range below which an image's largest value makes it nearly black when reduced to eight bits.
 */
const DARK_SHARE = 1 / 4

/** Returns the largest of some bytes; 0 if there are none. */
export const largestOf = (values: Uint8Array): number => values.reduce((most, value) => Math.max(most, value), 0)

/**
 * Returns a warning for the user if images of 16 bits use only the lowest part of their range, as those of cameras and
 * scanners with 10 to 14 bits do; else an empty list.
 * @param images names of the images; for those of 16 bits, `largest` is the largest intensity divided by 256
 */
export function darkNotes(images: readonly { readonly name: string; readonly largest?: number }[]): string[] {
  const dark = images.filter(({ largest = 255 }) => largest < 256 * DARK_SHARE)
  if (dark.length === 0) return []
  const [{ name, largest = 0 }] = dark
  const others = dark.length === 1 ? '' : ` (and ${dark.length - 1} more)`
  return [
    `${name}${others} has 16 bits and no value above ${256 * largest + 255} of 65535: it is read as nearly black; ` +
      'scale its values to the whole range',
  ]
}

/** Size of a JPEG image, and number of components per pixel. */
export interface JpegHeader {
  readonly width: number
  readonly height: number
  /** Components per pixel of the JPEG image: 1 for grey, 3 for colour, 4 for print colours. */
  readonly components: number
}

/**
 * Returns whether a JPEG marker begins a frame header: C0 to CF except C4 (Huffman tables), C8 (reserved) and CC
 * (arithmetic coding).
 */
const isFrame = (marker: number) => marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)

/**
 * Reads size and components from a JPEG file's header (ITU-T T.81, annex B); returns undefined if the bytes are no JPEG
 * file or have no frame header. It is used because opening a file in the decoder takes as long as decoding half an
 * image.
 */
export function readJpegHeader(bytes: Buffer): JpegHeader | undefined {
  if (bytes.length < 4 || bytes.readUInt16BE(0) !== 0xffd8) return undefined
  for (let at = 2; at + 10 <= bytes.length; ) {
    if (bytes[at] !== 0xff) return undefined
    const marker = bytes[at + 1]
    if (marker === 0xff) {
      at++ // a fill byte before the marker
      continue
    }
    if (isFrame(marker)) {
      const [height, width] = [bytes.readUInt16BE(at + 5), bytes.readUInt16BE(at + 7)]
      return height > 0 && width > 0 ? { width, height, components: bytes[at + 9] } : undefined
    }
    at += 2 + bytes.readUInt16BE(at + 2)
  }
  return undefined
}
