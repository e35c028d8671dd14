import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { SHAPES, shapes } from '../../src/data/shapes.ts'

const small = { ...SHAPES, train: 400, test: 100 }
const length = SHAPES.size * SHAPES.size * 3

describe('the shapes generator', () => {
  it('draws every image as a function of seed, split and index alone', () => {
    const few = shapes({ ...small, train: 20 })
    const many = shapes(small)
    expect(few.train.pixels).toEqual(many.train.pixels.subarray(0, 20 * length))
    expect(few.train.pixels).not.toEqual(many.test.pixels.subarray(0, 20 * length))
    expect(few.train.pixels).not.toEqual(shapes({ ...small, train: 20, seed: 1 }).train.pixels)
  })

  it('draws the published pixels', () => {
    const { pixels } = shapes({ ...SHAPES, train: 100 }).train
    expect(createHash('sha256').update(pixels).digest('hex')).toBe(
      '788e314b056f61a47352d54d5d562b983c523ba8baa56d87208a056e81766d8b',
    )
  })

  it('draws the same pixels whichever images are needed first, and the others not at all', () => {
    const rows = Uint32Array.of(31, 7)
    const { only } = shapes(small).train
    const few = only?.(rows).pixels ?? expect.fail('the images are drawn when they are needed')
    const { pixels } = shapes(small).train
    const image = (of: Uint8Array, row: number) => of.slice(row * length, (row + 1) * length)
    for (const row of rows) expect(image(few, row)).toEqual(image(pixels, row))
    expect(image(few, 8).every((value) => value === 0)).toBe(true)
    const later = shapes(small).train
    later.only?.(rows)
    expect(later.pixels).toEqual(pixels)
  })

  it('has the channel statistics that its images give', () => {
    const [{ mean, std }, drawn] = [shapes(), shapes({ ...SHAPES })]
    expect({ mean, std }).toEqual({ mean: drawn.mean, std: drawn.std })
  })

  it('has as many images of each class as of any other', () => {
    const { train } = shapes(small)
    const counts = Array.from({ length: 10 }, (_, label) => train.labels.filter((l) => l === label).length)
    expect(counts).toEqual(Array.from({ length: 10 }, () => 40))
  })

  it('names its content by its parameters, without drawing', () => {
    expect(shapes().contentHash).toBe(shapes({ ...SHAPES }).contentHash)
    expect(shapes({ ...SHAPES, noise: 0.2 }).contentHash).not.toBe(shapes().contentHash)
    expect(shapes().contentHash).toMatch(/^[0-9a-f]{64}$/)
  })

  it('is not told apart by mean images: learnable, but not by colour and place alone', () => {
    const { train, test } = shapes({ ...small, train: 1000 })
    const means = Array.from({ length: 10 }, () => new Float64Array(length))
    train.labels.forEach((label, i) => {
      for (let j = 0; j < length; j++) means[label][j] += train.pixels[i * length + j] / 100
    })
    const distance = (mean: Float64Array, i: number) =>
      mean.reduce((sum, m, j) => sum + (m - test.pixels[i * length + j]) ** 2, 0)
    const correct = test.labels.filter((label, i) => {
      const distances = means.map((mean) => distance(mean, i))
      return distances.indexOf(Math.min(...distances)) === label
    }).length
    expect(correct / test.count).toBeGreaterThan(0.1)
    expect(correct / test.count).toBeLessThan(0.5)
  })

  it('normalises to mean 0 and deviation 1', () => {
    const { mean, std, train } = shapes(small)
    const values = Array.from(
      { length: train.pixels.length / 3 },
      (_, i) => (train.pixels[3 * i] / 255 - mean[0]) / std[0],
    )
    const average = values.reduce((sum, v) => sum + v, 0) / values.length
    expect(average).toBeCloseTo(0, 9)
    expect(values.reduce((sum, v) => sum + v * v, 0) / values.length).toBeCloseTo(1, 9)
  })
})
