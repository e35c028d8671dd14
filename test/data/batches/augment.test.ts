import { describe, expect, it } from 'vitest'
import { random } from '../../../src/core/random.ts'
import {
  channelStatistics,
  cutOut,
  drawPlacement,
  normalisationTable,
  placeImage,
} from '../../../src/data/batches/transforms.ts'

const shape = { height: 8, width: 8, channels: 3, classes: 2 }
const length = 8 * 8 * 3
const image = Uint8Array.from({ length }, (_, i) => (37 * i + 11) % 256)
/** Leaves intensities as they are. */
const plain = Float32Array.from({ length: 768 }, (_, i) => i & 255)
const stay = { top: 0, left: 0, flip: false, centre: [0, 0] } as const

function place(source: Uint8Array, placement: Partial<typeof stay> | { flip: boolean; top?: number; left?: number }) {
  const target = new Float32Array(length)
  placeImage(source, target, shape, plain, { ...stay, ...placement })
  return Uint8Array.from(target)
}

describe('the training transform', () => {
  it('is the identity when nothing is drawn', () => {
    expect(place(image, {})).toEqual(image)
  })

  it('flips twice to the image itself, and mirrors columns only', () => {
    const flipped = place(image, { flip: true })
    expect(place(flipped, { flip: true })).toEqual(image)
    expect(flipped.subarray(0, 3)).toEqual(image.subarray(21, 24))
  })

  it('crops the black-padded image', () => {
    const padding = 3
    const side = 8 + 2 * padding
    const padded = new Uint8Array(side * side * 3)
    for (let row = 0; row < 8; row++) {
      padded.set(image.subarray(row * 24, (row + 1) * 24), ((row + padding) * side + padding) * 3)
    }
    for (const [top, left] of [
      [-3, 2],
      [3, -3],
      [1, 0],
    ]) {
      const window = Array.from({ length: 8 }, (_, row) => {
        const from = ((row + top + padding) * side + left + padding) * 3
        return [...padded.subarray(from, from + 24)]
      })
      expect([...place(image, { flip: false, top, left })]).toEqual(window.flat())
    }
  })

  it('pads with black before normalisation, so padding is not the channel mean', () => {
    const table = normalisationTable({ mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] })
    const target = new Float32Array(length)
    placeImage(image, target, shape, table, { ...stay, top: -8 })
    expect(new Set(target)).toEqual(new Set([-2]))
  })

  it('draws offsets from −padding to padding, all of them, and flips half of the images', () => {
    const stream = random(0, 'placements')
    const drawn = Array.from({ length: 2000 }, () =>
      drawPlacement(shape, { cropPadding: 2, flip: true, cutout: 0 }, stream),
    )
    expect([...new Set(drawn.map(({ top }) => top))].sort((a, b) => a - b)).toEqual([-2, -1, 0, 1, 2])
    expect([...new Set(drawn.map(({ left }) => left))].sort((a, b) => a - b)).toEqual([-2, -1, 0, 1, 2])
    const flips = drawn.filter(({ flip }) => flip).length
    expect(Math.abs(flips - 1000)).toBeLessThan(4 * Math.sqrt(500))
  })

  it('draws the same offsets whether or not it flips', () => {
    const offsets = (flip: boolean) => {
      const { top, left, centre } = drawPlacement(shape, { cropPadding: 2, flip, cutout: 0 }, random(0, 'x'))
      return [top, left, ...centre]
    }
    expect(offsets(true)).toEqual(offsets(false))
  })
})

describe('cutout', () => {
  const area = (side: number, centre: readonly [number, number]) => {
    const target = new Float32Array(length).fill(1)
    cutOut(target, shape, side, centre)
    return target.filter((v) => v === 0).length / 3
  }

  it('sets a square of its side to zero', () => {
    expect(area(4, [4, 4])).toBe(16)
  })

  it('ignores the part beyond the border', () => {
    expect(area(4, [0, 0])).toBe(4)
    expect(area(4, [7, 4])).toBe(12)
  })

  it('cuts a side of an odd length one pixel shorter, as in the literature', () => {
    expect(area(5, [4, 4])).toBe(16)
  })
})

describe('channel statistics', () => {
  it('are the mean and the population deviation of each channel', () => {
    const set = { count: 1, pixels: Uint8Array.from([0, 255, 7, 255, 255, 7]), labels: new Int32Array(1) }
    const { mean, std } = channelStatistics(set, 3)
    expect(mean[0]).toBeCloseTo(0.5, 12)
    expect(std[0]).toBeCloseTo(0.5, 12)
    expect(std[1]).toBe(1)
    expect(mean[2]).toBeCloseTo(7 / 255, 12)
  })
})
