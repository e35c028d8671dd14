/** What a JPEG file says of its image before the pixels: read here, since a decoder takes as long to open as half an image. */

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
