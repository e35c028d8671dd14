import { describe, expect, it } from 'vitest'
import type { BatchSource } from '../../../src/core/data.ts'
import { random } from '../../../src/core/random.ts'
import { viewImages } from '../../../src/data/batches/imageView.ts'
import { balancedOrder } from '../../../src/data/batches/subset.ts'
import type { Dataset } from '../../../src/data/dataset.ts'
import { type SearchDataOptions, searchData, trainingData } from '../../../src/data/imagesInMemory.ts'

/** Image i of the training set is 4×4 of intensity i; 40 images in 4 classes; the test set counts down from 255. */
const shape = { height: 4, width: 4, channels: 1, classes: 4 }
const labels = Int32Array.from({ length: 40 }, (_, i) => (i < 22 ? 0 : i % 4))
const constant = (count: number, value: (i: number) => number) =>
  Uint8Array.from({ length: count * 16 }, (_, i) => value(Math.floor(i / 16)))
const dataset: Dataset = {
  name: 'counted',
  shape,
  classNames: ['a', 'b', 'c', 'd'],
  contentHash: '',
  origin: 'made for tests',
  train: { count: 40, pixels: constant(40, (i) => i), labels },
  test: { count: 10, pixels: constant(10, (i) => 255 - i), labels: labels.slice(0, 10) },
  mean: [0],
  std: [1 / 255],
}
const plain = { trainPortion: 0.5, cropPadding: 0, flip: false, cutout: 0, imageSize: null, limit: null }
const search = (options: Partial<SearchDataOptions> = {}) =>
  searchData(dataset, { data: plain, batchSize: 6, seed: 0, ...options })

/** Which images an epoch shows, in order. */
async function epoch(source: BatchSource, number = 0): Promise<number[]> {
  const seen: number[] = []
  for (let i = 0; i < source.batchesPerEpoch; i++) {
    const { images, size } = await source.batch(number * source.batchesPerEpoch + i)
    for (let s = 0; s < size; s++) seen.push(Math.round(images[16 * s]))
  }
  return seen
}
const sorted = (values: Iterable<number>) => [...values].sort((a, b) => a - b)

describe('a batch', () => {
  it('is a function of seed and index alone, in any order of requests', async () => {
    const data = { ...plain, cropPadding: 2, flip: true, cutout: 2 }
    const forward = search({ data }).weights
    const backward = search({ data }).weights
    const order = [0, 1, 2, 3, 4, 5, 6, 7]
    const first = await Promise.all(order.map((i) => forward.batch(i)))
    const again = await Promise.all(order.toReversed().map((i) => backward.batch(i)))
    expect(again.toReversed()).toEqual(first)
    expect(await forward.batch(0)).toEqual(first[0])
    expect(await search({ data, seed: 1 }).weights.batch(0)).not.toEqual(first[0])
  })

  it('carries the labels of its images', async () => {
    const { images, labels: found, size } = await search().weights.batch(0)
    for (let s = 0; s < size; s++) expect(found[s]).toBe(labels[Math.round(images[16 * s])])
  })

  it('is smaller at the end of an epoch if the batch size does not divide the number of images', async () => {
    const { weights } = search()
    expect(weights.batchesPerEpoch).toBe(4)
    expect((await weights.batch(3)).size).toBe(2)
    expect((await weights.batch(4)).size).toBe(6)
  })
})

describe('the data of a search', () => {
  it('has every image of a half once per epoch, in a new order each time', async () => {
    const { weights } = search()
    const epochs = [await epoch(weights, 0), await epoch(weights, 1)]
    expect(epochs[0]).not.toEqual(epochs[1])
    expect(sorted(epochs[0])).toEqual(sorted(epochs[1]))
    expect(new Set(epochs[0]).size).toBe(20)
  })

  it('splits the training set in two halves without common images, classes in proportion', async () => {
    const { weights, architecture } = search()
    const halves = [await epoch(weights), await epoch(architecture)]
    expect(sorted(halves.flat())).toEqual(sorted(Array(40).keys()))
    const zeros = halves[0].filter((i) => labels[i] === 0).length
    const all = labels.filter((l) => l === 0).length
    expect(Math.abs(zeros - all / 2)).toBeLessThanOrEqual(1)
  })

  it('has the architecture half in order and without augmentation for validation', async () => {
    const { architecture, validation } = search({ data: { ...plain, cropPadding: 4, cutout: 2 } })
    expect(await epoch(validation, 0)).toEqual(await epoch(validation, 1))
    expect(sorted(new Set(await epoch(validation)))).toHaveLength(20)
    expect(architecture.batchesPerEpoch).toBe(validation.batchesPerEpoch)
  })

  it('uses no more images than the limit, balanced', async () => {
    const { weights, architecture } = search({ data: { ...plain, limit: 8 } })
    const used = [...(await epoch(weights)), ...(await epoch(architecture))]
    expect(new Set(used).size).toBe(8)
    expect(used.filter((i) => labels[i] === 0).length).toBeGreaterThanOrEqual(4)
  })

  it.each([0, 7])(
    'takes the images in the order of their files for a fixed split, whatever the seed (%i)',
    async (seed) => {
      const halves = async (changes: object) => {
        const { weights, architecture, validation } = search({ data: { ...plain, split: 'fixed', ...changes }, seed })
        expect(await epoch(validation)).toEqual(sorted(await epoch(architecture)))
        return [sorted(await epoch(weights)), sorted(await epoch(architecture))]
      }
      const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i)
      expect(await halves({})).toEqual([range(0, 20), range(20, 40)])
      expect(await halves({ trainPortion: 0.33 })).toEqual([range(0, 13), range(13, 40)])
      expect(await halves({ limit: 30 })).toEqual([range(0, 15), range(15, 30)])
      expect(await halves({ trainPortion: 0.5, architecturePortion: 0.25 })).toEqual([range(0, 20), range(20, 30)])
    },
  )

  it('refuses a fixed split of images that are stored class by class', () => {
    const byClass = { ...dataset.train, labels: Int32Array.from(labels).sort() }
    const data = { ...plain, split: 'fixed' } as const
    expect(() => searchData({ ...dataset, train: byClass }, { data, batchSize: 6, seed: 0 })).toThrow(
      /^data.split=fixed: the images are stored class by class, .*; add data.split=seeded to the protocol$/,
    )
  })

  it('accepts explicit halves, with the architecture half from the test set if stated', async () => {
    const { weights, architecture } = search({
      halves: { weights: Uint32Array.of(3, 5), architecture: Uint32Array.of(1, 2), architectureFrom: 'test' },
    })
    expect(sorted(await epoch(weights))).toEqual([3, 5])
    expect(sorted(await epoch(architecture))).toEqual([253, 254])
  })

  it('refuses an empty half', () => {
    expect(() => search({ data: { ...plain, trainPortion: 1 } })).toThrow(/no images are left for architecture/)
  })

  it('refuses a batch size below 1', () => {
    expect(() => search({ batchSize: 0 })).toThrow(/batch size 0: expected a whole number from 1/)
  })
})

describe('the data of a training', () => {
  const train = (limit: number | null) => trainingData(dataset, { data: { ...plain, limit }, batchSize: 7, seed: 0 })

  it('covers training and test set', async () => {
    const data = train(null)
    expect(sorted(await epoch(data.train))).toEqual(sorted(Array(40).keys()))
    const tested = []
    for await (const { images, size } of data.test()) {
      for (let s = 0; s < size; s++) tested.push(Math.round(images[16 * s]))
    }
    expect(tested).toEqual(Array.from({ length: 10 }, (_, i) => 255 - i))
  })

  it('has the same images under a limit and the same seed', async () => {
    expect(sorted(await epoch(train(5).train))).toEqual(sorted(await epoch(train(5).train)))
    expect(new Set(await epoch(train(5).train)).size).toBe(5)
  })

  it('can use a part of the test set', async () => {
    const sizes = []
    for await (const { size } of train(null).test(Uint32Array.of(1, 2, 3))) sizes.push(size)
    expect(sizes).toEqual([3])
  })
})

describe('a balanced order', () => {
  it('keeps the classes in proportion in every prefix', () => {
    const many = Int32Array.from({ length: 300 }, (_, i) => (i < 200 ? 0 : 1))
    const order = balancedOrder(many, random(1, 'order'))
    expect(sorted(order)).toEqual(sorted(Array(300).keys()))
    let zeros = 0
    order.forEach((index, i) => {
      zeros += many[index] === 0 ? 1 : 0
      expect(Math.abs(zeros - (2 / 3) * (i + 1))).toBeLessThan(2)
    })
  })
})

describe('scaled images', () => {
  const pixels = Uint8Array.from({ length: 36 }, (_, i) => 4 * i)
  const view = (size: number) =>
    viewImages(
      {
        set: { count: 1, pixels, labels: new Int32Array(1) },
        shape: { height: 6, width: 6, channels: 1, classes: 1 },
        rows: Uint32Array.of(0),
      },
      size,
    )

  it('are box averages', () => {
    const { set, shape: scaled } = view(3)
    expect(scaled).toMatchObject({ height: 3, width: 3 })
    expect(set.pixels[0]).toBe((0 + 4 + 24 + 28) / 4)
    expect(set.pixels[8]).toBe(((28 + 29 + 34 + 35) * 4) / 4)
  })

  it('keep a constant image constant at any size, and the mean of any image', () => {
    const { set } = view(4)
    const mean = (values: Uint8Array) => values.reduce((sum, v) => sum + v, 0) / values.length
    expect(Math.abs(mean(set.pixels) - mean(pixels))).toBeLessThan(0.5)
  })

  it('are enlarged in the same way: every pixel is weighted by the area that it covers', () => {
    const { set } = view(12)
    expect([...set.pixels.subarray(0, 4), ...set.pixels.subarray(12, 14)]).toEqual([0, 0, 4, 4, 0, 0])
    expect(view(9).set.pixels.subarray(0, 3)).toEqual(Uint8Array.of(0, 2, 4))
  })

  it('lose both ends of their longer side', () => {
    const wide = Uint8Array.from([9, 1, 2, 9, 9, 3, 4, 9])
    const [across, along] = [
      { height: 2, width: 4 },
      { height: 4, width: 2 },
    ].map((size, i) =>
      viewImages(
        {
          set: {
            count: 1,
            pixels: i === 0 ? wide : Uint8Array.from([9, 9, 1, 2, 3, 4, 9, 9]),
            labels: new Int32Array(1),
          },
          shape: { ...size, channels: 1, classes: 1 },
          rows: Uint32Array.of(0),
        },
        2,
      ),
    )
    expect([...across.set.pixels]).toEqual([1, 2, 3, 4])
    expect([...along.set.pixels]).toEqual([1, 2, 3, 4])
  })

  it('must fit into memory', () => {
    expect(() => view(100_000)).toThrow(/take 9\.3 GiB .* raise it with --raise dataset-gib=4/)
  })
})

describe('cutout that grows', () => {
  /** Share of the images of a walk that have a hole. Image 0 is black, so it is left out. */
  async function cutIn(walk: number, growing: boolean, epoch?: number) {
    const data = { ...plain, cutout: 2, ...(growing && { cutoutGrows: true }) }
    const { weights } = search({ data, epochs: 3 })
    let [cut, count] = [0, 0]
    for (let i = 0; i < weights.batchesPerEpoch; i++) {
      const { images, size } = await weights.batch(walk * weights.batchesPerEpoch + i, epoch)
      for (let s = 0; s < size; s++) {
        const image = images.subarray(16 * s, 16 * (s + 1))
        if (image.every((value) => value === 0)) continue
        count++
        if (image.includes(0)) cut++
      }
    }
    return cut / count
  }

  it('cuts no image in the first epoch, some in between, and all in the last', async () => {
    const [first, middle, last] = [await cutIn(0, true), await cutIn(1, true), await cutIn(2, true)]
    expect([first, last]).toEqual([0, 1])
    expect(middle).toBeGreaterThan(0.1)
    expect(middle).toBeLessThan(0.9)
  })

  it('grows by the epoch of the search if it is given, whatever the number of passes over the half', async () => {
    expect([await cutIn(2, true, 0), await cutIn(0, true, 2)]).toEqual([0, 1])
  })

  it('depends on the epoch in which a batch is requested, not on the one in which it was prepared', async () => {
    const { weights } = search({ data: { ...plain, cutout: 4, cutoutGrows: true }, epochs: 3 })
    await weights.batch(0, 0)
    await new Promise((resolve) => setImmediate(resolve))
    expect(await weights.batch(1, 2)).toEqual(await search({ data: { ...plain, cutout: 4 } }).weights.batch(1))
  })

  it('cuts all images from the beginning if it does not grow', async () => expect(await cutIn(0, false)).toBe(1))
})
