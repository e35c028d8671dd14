import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { readJpegHeader } from '../../../src/data/files/imageHeader.ts'
import { applyColour, brighten, changeContrast, turnHue } from '../../../src/data/photographs/augmentation.ts'
import {
  type DecodedWindow,
  decodePhotograph,
  PhotographKernel,
} from '../../../src/data/photographs/decodePhotograph.ts'
import { temporaryFolder } from '../sampleFiles.ts'

const folder = temporaryFolder()
/** With these, values come out as 0 … 1. */
const AS_IT_IS = { mean: [0, 0, 0], std: [1, 1, 1] }

/** A smooth picture in which every channel has a course of its own. */
function gradients(width: number, height: number): DecodedWindow {
  const pixels = new Uint8Array(width * height * 3)
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      pixels[at++] = Math.round((255 * x) / (width - 1))
      pixels[at++] = Math.round((255 * y) / (height - 1))
      pixels[at++] = Math.round(127 + 100 * Math.sin((x + y) / 25))
    }
  }
  return { pixels, width, height, window: { left: 0, top: 0, width, height } }
}

const raw = ({ pixels, width, height }: DecodedWindow) => sharp(pixels, { raw: { width, height, channels: 3 } })

async function finished(
  window: DecodedWindow,
  side: number,
  changes: { mirrored?: boolean; colours?: typeof same } = {},
) {
  const target = new Float32Array(side * side * 3)
  const { mirrored = false, colours = same } = changes
  ;(await PhotographKernel.open()).finish(window, { side, mirrored, colours, statistics: AS_IT_IS }, target)
  return target
}

/** The definition: at each target pixel the mean of all source pixels, by the triangle around its centre. */
function triangle({ pixels, width, height, window }: DecodedWindow, side: number): number[] {
  const shares = (cells: number, start: number, extent: number, at: number) => {
    const half = Math.max(1, extent / side)
    const centre = start + ((at + 0.5) * extent) / side
    const weights = Array.from({ length: cells }, (_, k) => Math.max(0, 1 - Math.abs(k + 0.5 - centre) / half))
    const sum = weights.reduce((total, weight) => total + weight, 0)
    return weights.map((weight) => weight / sum)
  }
  return Array.from({ length: side * side * 3 }, (_, i) => {
    const [y, x, channel] = [Math.floor(i / 3 / side), Math.floor(i / 3) % side, i % 3]
    const down = shares(height, window.top, window.height, y)
    const across = shares(width, window.left, window.width, x)
    return down.reduce((sum, v, row) => {
      const merged = across.reduce((line, h, column) => line + h * pixels[(row * width + column) * 3 + channel], 0)
      return sum + v * merged
    }, 0)
  })
}

const same = (_mean: readonly number[]) => brighten(1)

const largestDifference = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((largest, value, i) => Math.max(largest, Math.abs(value - b[i])), 0)

describe('the kernel of photographs', () => {
  // The source is compiled in seconds on an idle machine.
  it('is what its source compiles to', { timeout: 60_000 }, () => {
    const run = () =>
      execFileSync(process.execPath, ['src/data/photographs/kernels/build.mjs', '--check'], { stdio: 'pipe' })
    expect(run).not.toThrow()
  })

  it.each([
    ['smaller', 61, 47, 16],
    ['a little smaller', 30, 40, 28],
    ['larger', 9, 7, 24],
  ])('merges pixels by their distance, to something %s', async (_, width, height, side) => {
    const window = gradients(width, height)
    const values = (await finished(window, side)).map((value) => 255 * value)
    expect(largestDifference(values, triangle(window, side))).toBeLessThan(1e-3)
  })

  it('scales a crop with fractional borders', async () => {
    const picture = { ...gradients(30, 20), window: { left: 3.5, top: 2.25, width: 20.75, height: 16.5 } }
    const values = (await finished(picture, 12)).map((value) => 255 * value)
    expect(largestDifference(values, triangle(picture, 12))).toBeLessThan(1e-3)
  })

  it('keeps an image of the right size unscaled, and mirrors it', async () => {
    const window = gradients(8, 8)
    const expected = Array.from(window.pixels, (value) => value / 255)
    expect(largestDifference(await finished(window, 8), expected)).toBeLessThan(1e-6)
    const mirrored = await raw(window).flop().raw().toBuffer()
    const values = await finished(window, 8, { mirrored: true })
    expect(
      largestDifference(
        values.map((value) => 255 * value),
        mirrored,
      ),
    ).toBeLessThan(1e-4)
  })

  it('changes colours by the mean colour of the image, and clamps', async () => {
    const window = gradients(8, 8)
    let seen: readonly number[] = []
    const values = await finished(window, 8, {
      colours: (mean) => {
        seen = mean
        return changeContrast(3, mean)
      },
    })
    const mean = [0, 1, 2].map((channel) => {
      const own = window.pixels.filter((_, i) => i % 3 === channel)
      return own.reduce((sum, value) => sum + value / 255, 0) / own.length
    })
    expect(largestDifference(seen, mean)).toBeLessThan(1e-6)
    const clamped = Array.from({ length: 64 }, (_, i) => [...window.pixels.slice(3 * i, 3 * i + 3)]).flatMap((pixel) =>
      applyColour(
        changeContrast(3, mean),
        pixel.map((value) => value / 255),
      ).map((value) => Math.min(1, Math.max(0, value))),
    )
    expect(clamped).toContain(0)
    expect(clamped).toContain(1)
    expect(largestDifference(values, clamped)).toBeLessThan(1e-5)
  })

  it('maps each channel by all three', async () => {
    const window = { ...gradients(1, 1), pixels: Uint8Array.of(200, 100, 50) }
    const expected = applyColour(turnHue(1), [200 / 255, 100 / 255, 50 / 255])
    expect(largestDifference(await finished(window, 1, { colours: () => turnHue(1) }), expected)).toBeLessThan(1e-6)
  })
})

describe('the header of a JPEG file', () => {
  it.each(['baseline', 'progressive'])('has the size and the number of components (%s)', async (kind) => {
    const colour = await raw(gradients(33, 21))
      .jpeg({ progressive: kind === 'progressive' })
      .toBuffer()
    expect(readJpegHeader(colour)).toEqual({ width: 33, height: 21, components: 3 })
    expect(readJpegHeader(await raw(gradients(33, 21)).toColourspace('b-w').jpeg().toBuffer())?.components).toBe(1)
  })
  it('is found after a camera’s metadata', async () => {
    const image = raw(gradients(33, 21)).withExif({ IFD0: { Artist: 'a'.repeat(5000) } })
    expect(readJpegHeader(await image.jpeg().toBuffer())).toEqual({ width: 33, height: 21, components: 3 })
  })
  it('is not found in other files and in truncated ones', async () => {
    const jpeg = await raw(gradients(33, 21)).jpeg().toBuffer()
    expect(readJpegHeader(await raw(gradients(33, 21)).png().toBuffer())).toBeUndefined()
    for (const length of [0, 3, 20]) expect(readJpegHeader(jpeg.subarray(0, length))).toBeUndefined()
  })
})

describe('a photograph', () => {
  const settings = { imageSize: 16, statistics: AS_IT_IS }
  const decode = async (path: string) => {
    const target = new Float32Array(16 * 16 * 3)
    await decodePhotograph({ path, augmentation: null }, settings, target)
    return target
  }

  it('looks the same from a large file, which the decoder shrinks', async () => {
    const large = join(folder.path, 'large.jpg')
    await raw(gradients(304, 208)).jpeg({ quality: 95 }).toFile(large)
    const pixels = await sharp(large).raw().toBuffer()
    const window = { left: 61, top: 13, width: 182, height: 182 }
    const expected = (await finished({ pixels, width: 304, height: 208, window }, 16)).map((value) => 255 * value)
    const values = (await decode(large)).map((value) => 255 * value)
    expect(largestDifference(values, expected)).toBeLessThan(6)
  })

  it.each(['grey', 'print colours', 'transparent'])('of any kind becomes RGB: %s', async (kind) => {
    const path = join(folder.path, kind === 'transparent' ? 'image.png' : 'image.jpg')
    const background = { r: 120, g: 120, b: 120, alpha: 1 }
    const image = sharp({ create: { width: 20, height: 20, channels: kind === 'transparent' ? 4 : 3, background } })
    if (kind === 'grey') await image.toColourspace('b-w').jpeg().toFile(path)
    else if (kind === 'print colours') await image.toColourspace('cmyk').jpeg().toFile(path)
    else await image.png().toFile(path)
    if (kind !== 'transparent') expect(readJpegHeader(readFileSync(path))?.components).toBe(kind === 'grey' ? 1 : 4)
    const values = (await decode(path)).map((value) => 255 * value)
    expect(
      largestDifference(
        values,
        values.map(() => 120),
      ),
    ).toBeLessThan(kind === 'print colours' ? 20 : 2)
  })
})
