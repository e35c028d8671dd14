import { describe, expect, it } from 'vitest'
import { random } from '../../../src/core/random.ts'
import {
  applyColour,
  brighten,
  centralWindow,
  changeContrast,
  drawColourJitter,
  randomWindow,
  saturate,
  turnHue,
} from '../../../src/data/photographs/augmentation.ts'

const close = (found: readonly number[], expected: readonly number[]) =>
  expected.forEach((value, i) => {
    expect(found[i]).toBeCloseTo(value, 12)
  })

describe('colour jitter', () => {
  it('keeps a colour if nothing changes', () => {
    const colour = [0.1, 0.5, 0.9]
    for (const map of [brighten(1), changeContrast(1, [0.3, 0.3, 0.3]), saturate(1), turnHue(0)]) {
      close(applyColour(map, colour), colour)
    }
  })

  it('scales by the brightness', () => close(applyColour(brighten(1.2), [0.1, 0.2, 0.3]), [0.12, 0.24, 0.36]))

  it('pulls towards the grey of the mean with contrast 0, towards its own grey with saturation 0', () => {
    close(applyColour(changeContrast(0, [1, 0, 0]), [0.1, 0.2, 0.3]), [0.299, 0.299, 0.299])
    close(applyColour(saturate(0), [0, 1, 0]), [0.587, 0.587, 0.587])
  })

  it('turns hue by a third of the circle as red → green → blue, and leaves greys', () => {
    const third = turnHue((2 * Math.PI) / 3)
    close(applyColour(third, [1, 0, 0]), [0, 1, 0])
    close(applyColour(third, [0, 1, 0]), [0, 0, 1])
    close(applyColour(turnHue(1), [0.4, 0.4, 0.4]), [0.4, 0.4, 0.4])
  })

  it('draws different changes each time, within their ranges', () => {
    const stream = random(0, 'jitter')
    const greys = Array.from({ length: 300 }, () =>
      applyColour(drawColourJitter([0.5, 0.5, 0.5], stream), [0.5, 0.5, 0.5]),
    )
    for (const [r, g, b] of greys) {
      expect(r).toBeGreaterThanOrEqual(0.5 * 0.6 - 1e-9)
      expect(r).toBeLessThanOrEqual(0.5 * 1.4 + 1e-9)
      expect(Math.max(Math.abs(r - g), Math.abs(g - b))).toBeLessThan(1e-9)
    }
    expect(new Set(greys.map(([r]) => r)).size).toBe(300)
  })
})

describe('a random crop', () => {
  const image = { width: 500, height: 375 }
  const windows = Array.from({ length: 500 }, (_, i) => randomWindow(image, random(0, 'window', i)))

  it('lies inside the photograph, with 8 to 100 % of its area and an aspect of 3:4 to 4:3', () => {
    for (const { left, top, width, height } of windows) {
      expect(Math.min(left, top)).toBeGreaterThanOrEqual(0)
      expect(left + width).toBeLessThanOrEqual(image.width)
      expect(top + height).toBeLessThanOrEqual(image.height)
      expect(width * height).toBeGreaterThan(0.078 * image.width * image.height)
      expect(width / height).toBeGreaterThan(0.74)
      expect(width / height).toBeLessThan(1.35)
    }
  })

  it('covers the whole range of areas', () => {
    const shares = windows.map(({ width, height }) => (width * height) / (image.width * image.height))
    expect(Math.min(...shares)).toBeLessThan(0.12)
    expect(Math.max(...shares)).toBeGreaterThan(0.85)
  })

  it('is the central crop if none fits', () => {
    expect(randomWindow({ width: 1000, height: 1 }, random(0, 'x'))).toEqual({ left: 499, top: 0, width: 1, height: 1 })
  })
})

describe('the central crop', () => {
  it('is 224/256 of the shorter side, in the middle', () => {
    expect(centralWindow({ width: 512, height: 256 })).toEqual({ left: 144, top: 16, width: 224, height: 224 })
  })
})
