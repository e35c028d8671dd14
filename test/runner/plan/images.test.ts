import { describe, expect, test } from 'vitest'
import { resolveProtocol } from '../../../src/protocols/index.ts'
import { benchmarkSplit, checkBenchmarkSplit, searchImageSize } from '../../../src/runner/plan/images.ts'
import { nb201, officialCifar10Split } from '../../../src/spaces/nb201/index.ts'

const images = (count: number) => ({ count, pixels: new Uint8Array(), labels: new Int32Array(count) })
const dataset = (name: string, train: number) => ({
  name,
  shape: { height: 1, width: 1, channels: 3, classes: 10 },
  classNames: [],
  contentHash: '',
  origin: '',
  train: images(train),
  test: images(4),
  mean: [],
  std: [],
})
const lists = { xValid: Uint32Array.of(3, 0), xTest: Uint32Array.of(1, 2) }

describe('data.split=benchmark', () => {
  test('uses the official halves of the CIFAR-10 training set', () => {
    const { train, valid } = officialCifar10Split()
    expect(benchmarkSplit(nb201, dataset('cifar10', 50_000))).toEqual({
      weights: train,
      architecture: valid,
      architectureFrom: 'train',
    })
  })

  test.each(['cifar100', 'ImageNet16-120'])('uses the training set of %s and x-valid of its test set', (name) => {
    expect(benchmarkSplit(nb201, { ...dataset(name, 3), testHalves: lists })).toEqual({
      weights: Uint32Array.of(0, 1, 2),
      architecture: lists.xValid,
      architectureFrom: 'test',
    })
  })

  test('refuses CIFAR-10 if images are missing', () => {
    expect(() => benchmarkSplit(nb201, dataset('cifar10', 3000))).toThrow(
      'data.split=benchmark: its halves need 50000 training images, but there are 3000; add data.split=seeded to the protocol',
    )
  })

  test('refuses CIFAR-100 without the list of x-valid', () => {
    expect(() => benchmarkSplit(nb201, dataset('cifar100', 3))).toThrow(
      'data.split=benchmark: no *-test-split.txt lies beside the images of cifar100',
    )
  })
})

describe('the protocol with data.split=benchmark', () => {
  const job = (dataset: string) => ({ space: 'nb201', dataset, algorithm: 'darts-v1' })
  const check = (text: string, dataset: string) =>
    checkBenchmarkSplit(resolveProtocol(text, job(dataset)), nb201, dataset)

  test.each(['nb201-paper', 'nats-paper'])('is %s, on the three datasets and no other', (preset) => {
    for (const dataset of ['cifar10', 'cifar100', 'ImageNet16-120']) {
      expect(resolveProtocol(preset, job(dataset)).data.split).toBe('benchmark')
      expect(() => check(preset, dataset)).not.toThrow()
    }
    expect(resolveProtocol(preset, job('shapes')).data.split).toBeUndefined()
  })

  test.each([
    ['micro:data.split=benchmark', 'shapes', 'the benchmark splits cifar10, cifar100, ImageNet16-120, not shapes'],
    ['nats-paper:data.limit=1000', 'cifar10', 'it uses all images, but data.limit=1000 is set'],
    ['nats-paper:data.trainPortion=0.8', 'cifar10', 'on cifar10 it needs data.trainPortion=0.5 and no'],
    ['nats-paper:data.trainPortion=0.5', 'cifar100', 'on cifar100 it needs data.trainPortion=1 and no'],
    ['nats-paper:data.architecturePortion=0.1', 'cifar10', 'on cifar10 it needs data.trainPortion=0.5 and no'],
  ])('%s on %s is refused', (text, dataset, message) => {
    expect(() => check(text, dataset)).toThrow(`data.split=benchmark: ${message}`)
  })

  test('nats-paper:data.split=seeded uses seeded halves', () => {
    expect(resolveProtocol('nats-paper:data.split=seeded', job('cifar10')).data.split).toBe('seeded')
  })
})

test.each([
  ['micro', '--protocol micro:data.imageSize=32'],
  ['micro:epochs=3,batchSize=8', '--protocol micro:epochs=3,batchSize=8,data.imageSize=32'],
  ['micro:epochs=3,data.imageSize=12,batchSize=8', '--protocol micro:epochs=3,batchSize=8,data.imageSize=32'],
])('the setting that changes the image side of %s keeps its other settings', (name, setting) => {
  const protocol = resolveProtocol(name, { space: 'nb201', dataset: 'cifar10', algorithm: 'darts-v1' })
  expect(searchImageSize(protocol)).toEqual({ imageSize: protocol.data.imageSize, sizeSetting: setting })
})
