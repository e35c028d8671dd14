/** Unequal classes: every class equally often in each epoch, or weighted in the loss. */
import { describe, expect, test } from 'vitest'
import { random } from '../../../src/core/random.ts'
import { balancedClassWeights, equalClasses, requireOneBalance } from '../../../src/data/batches/subset.ts'
import type { Dataset } from '../../../src/data/dataset.ts'
import { searchData, trainingData } from '../../../src/data/imagesInMemory.ts'

const data = {
  ...{ trainPortion: 0.5, cropPadding: 0, flip: false, cutout: 0, imageSize: null, limit: null },
  sampling: 'balanced' as const,
}

/** Images of one pixel and three channels; the first channel is the number of the image. */
function unequal(counts: readonly number[]): Dataset {
  const labels = Int32Array.from(counts.flatMap((count, label) => new Array<number>(count).fill(label)))
  const pixels = Uint8Array.from({ length: 3 * labels.length }, (_, i) => (i % 3 === 0 ? i / 3 : 0))
  const set = { count: labels.length, pixels, labels }
  const shape = { height: 1, width: 1, channels: 3, classes: counts.length }
  const names = counts.map((_, label) => String(label))
  const statistics = { mean: [0, 0, 0], std: [1 / 255, 1 / 255, 1 / 255] }
  return {
    name: 'unequal',
    shape,
    classNames: names,
    contentHash: '',
    origin: '',
    train: set,
    test: set,
    ...statistics,
  }
}

const tally = (values: Iterable<number>) => {
  const counts = new Map<number, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return counts
}

describe.each([
  ['three unequal classes', [60, 9, 3]],
  ['two classes of one image and many', [1, 40]],
  ['equal classes', [8, 8, 8]],
  ['more classes than a batch has images', Array.from({ length: 23 }, (_, i) => 1 + (i % 5))],
])('of %s', (_, counts) => {
  const labels = Int32Array.from(counts.flatMap((count, label) => new Array<number>(count).fill(label)))

  test('draws as many images as there are, each class equally often, each image of a class equally often', () => {
    const drawn = equalClasses(labels, random(7, 'a test'))
    expect(drawn).toHaveLength(labels.length)
    const perClass = [...tally(Array.from(drawn, (i) => labels[i])).values()]
    expect(perClass).toHaveLength(counts.length)
    expect(Math.max(...perClass) - Math.min(...perClass)).toBeLessThanOrEqual(1)
    const perImage = tally(drawn)
    for (const label of counts.keys()) {
      const times = Array.from(labels.keys())
        .filter((i) => labels[i] === label)
        .map((i) => perImage.get(i) ?? 0)
      expect(Math.max(...times) - Math.min(...times)).toBeLessThanOrEqual(1)
    }
  })
})

test('is another sample in every epoch and with every seed, and the same when it is drawn again', async () => {
  const dataset = unequal([60, 9, 3])
  const epochs = async (seed: number) => {
    const { train } = trainingData(dataset, { data, batchSize: 72, seed })
    return Promise.all([0, 1].map(async (index) => [...(await train.batch(index)).images].join()))
  }
  const [first, second] = await epochs(0)
  expect(first).not.toBe(second)
  expect(await epochs(0)).toEqual([first, second])
  expect(await epochs(1)).not.toContain(first)
})

test('holds for both halves of a search and for a training, and not for validation and test', async () => {
  const dataset = unequal([60, 12, 12])
  const search = searchData(dataset, { data, batchSize: 42, seed: 0 })
  const { train, test: tested } = trainingData(dataset, { data, batchSize: 84, seed: 0 })
  const classes = async (batch: Promise<{ readonly labels: Int32Array }>) => [...tally((await batch).labels).values()]
  for (const half of [search.weights, search.architecture]) expect(await classes(half.batch(0))).toEqual([14, 14, 14])
  expect(await classes(train.batch(0))).toEqual([28, 28, 28])
  expect((await classes(search.validation.batch(0))).sort((a, b) => b - a)).toEqual([30, 6, 6])
  for await (const batch of tested()) expect(await classes(Promise.resolve(batch))).toEqual([60, 12, 12])
  expect(search.weights.batchesPerEpoch).toBe(1)
})

describe('class weights', () => {
  const weighted = { ...data, sampling: undefined, classWeights: 'balanced' as const }

  test('are inverse to the sizes of the classes and have mean 1 over the images', () => {
    const labels = Int32Array.from([0, 0, 0, 0, 0, 0, 1, 1, 2])
    const weights = balancedClassWeights(labels, ['a', 'b', 'c'])
    expect(weights).toEqual([0.5, 1.5, 3])
    expect(labels.reduce((sum, label) => sum + weights[label], 0)).toBeCloseTo(labels.length, 12)
    expect(balancedClassWeights(Int32Array.from([1, 0]), ['a', 'b'])).toEqual([1, 1])
  })

  test('count the images of both halves of a search, and those that a limit leaves to a training', () => {
    const images = unequal([60, 9, 3])
    const expected = [72 / 180, 72 / 27, 72 / 9]
    expect(searchData(images, { data: weighted, batchSize: 8, seed: 1 }).classWeights).toEqual(expected)
    expect(trainingData(images, { data: weighted, batchSize: 8, seed: 1 }).classWeights).toEqual(expected)
    const limited = { ...weighted, limit: 24 }
    const few = trainingData(images, { data: limited, batchSize: 8, seed: 1 })
    const counts = few.classWeights?.map((weight) => 24 / (3 * weight)) ?? []
    expect(counts.map((count) => Math.round(count)).reduce((sum, count) => sum + count)).toBe(24)
    for (const plain of [searchData, trainingData]) {
      expect(plain(images, { data, batchSize: 8, seed: 1 })).not.toHaveProperty('classWeights')
    }
  })

  test('that are stated hold whatever the numbers of images are, in the order of the classes', () => {
    const stated = { ...weighted, limit: 2, classWeights: { 2: 3, 1: 0.5, 0: 1 } }
    for (const open of [searchData, trainingData]) {
      const opened = (classWeights: Readonly<Record<string, number>>) =>
        open(unequal([60, 9, 3]), { data: { ...stated, classWeights }, batchSize: 2, seed: 1 })
      expect(opened(stated.classWeights).classWeights).toEqual([1, 0.5, 3])
      expect(() => opened({ 0: 1, 1: 2 })).toThrow('no weight for class "2"; state one for each class')
      expect(() => opened({ 0: 1, 1: 2, two: 2 })).toThrow(/^unknown class in the class weights: "two"/)
    }
  })

  test('are refused where a class has no images, by its name', () => {
    const options = { data: { ...weighted, limit: 2 }, batchSize: 2, seed: 1 }
    for (const open of [searchData, trainingData]) {
      expect(() => open(unequal([60, 9, 3]), options)).toThrow(/class [012] has none of the 2 training images/)
    }
    expect(() => balancedClassWeights(new Int32Array(4), ['cat', 'dog'])).toThrow(/class dog has none/)
  })

  test('are refused beside balanced sampling', () => {
    expect(() => requireOneBalance({ sampling: 'balanced', classWeights: 'balanced' })).toThrow(/leave one of them out/)
    for (const one of [{ sampling: 'balanced' }, { classWeights: 'balanced' }] as const) requireOneBalance(one)
  })
})
