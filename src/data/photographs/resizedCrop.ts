/** Where to cut a window out of a large photograph: at random for training, in the middle for validation. */
import type { RandomStream } from '../../core/random.ts'

/** In pixels of the photograph. */
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

/** Share of the area, and width over height, of the window (Szegedy et al., "Going Deeper with Convolutions", 2015). */
const AREA = [0.08, 1]
const ASPECT = [3 / 4, 4 / 3]
const ATTEMPTS = 10

/**
 * A window of random area (uniform) and aspect (log-uniform) at a random place, to be scaled to the network's input; the
 * largest central window within the aspects where ten attempts do not fit, as in torchvision's RandomResizedCrop.
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

/** The central square, 224/256 of the shorter side: scaling that side to 256 and cutting out 224 × 224, in one. */
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
