/** What an image file says of itself before the pixels, and whether it may be decoded. */
import sharp, { type SharpOptions } from 'sharp'
import { BenchError } from '../../core/errors.ts'
import { beyondLimit, limitOf } from '../../system/limits.ts'

export interface ImageHeader {
  readonly format: 'jpeg' | 'png' | 'other'
  readonly width: number
  readonly height: number
  /** 3 for colour, 1 for grey, 4 for print colours, or colour and transparency. */
  readonly components: number
  /** Of one component of a pixel. */
  readonly bits: number
}

// The decoding library would also open SVG, PDF and a dozen others, whatever a file is called.
sharp.block({ operation: ['VipsForeignLoad'] })
sharp.unblock({
  operation: ['Jpeg', 'Png', 'Webp', 'Nsgif'].map((format) => `VipsForeignLoad${format}`),
})

/** How to open an image of which `readHeader` said that it may be decoded. */
export const decoding = (): SharpOptions => ({ limitInputPixels: 1e6 * limitOf('image-megapixels') })

/**
 * The header of a JPEG or PNG file, or of a WebP or GIF file under such a name.
 * @param name for messages
 * @throws BenchError `bad-input` for more pixels than the limit `image-megapixels`; `corrupt` where it is no such file
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
/** By the header's colour type: grey, –, RGB, palette, grey and alpha, –, RGB and alpha. */
const COMPONENTS = [1, 0, 3, 3, 2, 0, 4]

/** Undefined where the bytes are no PNG file (W3C PNG specification, 11.2.1). */
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

/** @param reason what the decoder says, of which the first line counts */
export const undecodable = (name: string, reason: string, cause?: unknown): BenchError =>
  new BenchError('corrupt', `${name} cannot be decoded (${reason.split('\n')[0]}); replace it or skip broken images`, {
    cause,
  })

/** Below this share of its range, an image of 16 bits is nearly black in eight. */
const DARK_SHARE = 1 / 4

export const largestOf = (values: Uint8Array): number => values.reduce((most, value) => Math.max(most, value), 0)

/**
 * A sentence for the user where images of 16 bits use the lowest part of their range only, as those of cameras and scanners
 * with 10 to 14 bits do.
 * @param images `largest`: of an image of 16 bits, its largest value, in units of the upper eight bits
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

export interface JpegHeader {
  readonly width: number
  readonly height: number
  /** 3 for colour, 1 for grey, 4 for print colours. */
  readonly components: number
}

/** Start-of-frame markers: all of C0 to CF but the tables C4 (Huffman), C8 (reserved) and CC (arithmetic coding). */
const isFrame = (marker: number) => marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)

/** Undefined where the bytes are no JPEG file, or do not say it before the pixels (ITU-T T.81, annex B). */
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
