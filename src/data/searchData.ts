/** A dataset as a bilevel search sees it: two disjoint halves of the training set. */
import type { SearchData } from '../core/data.ts'
import type { Protocol } from '../core/protocol.ts'
import { random } from '../core/random.ts'
import { type Images, orderedBatches, shuffledBatches } from './batches/batches.ts'
import { viewImages } from './batches/imageView.ts'
import { searchHalves } from './batches/subset.ts'
import type { Dataset } from './dataset.ts'

export interface SearchDataOptions {
  readonly data: Protocol['data']
  readonly batchSize: number
  readonly seed: number
  /** Of the search: what grows by the epoch is grown in the last. Absent: nothing grows. */
  readonly epochs?: number
  /** Explicit halves, e.g. the benchmark's own split, instead of seeded ones: `data.limit` and `data.trainPortion` have no say then. */
  readonly halves?: SearchHalves
}

export interface SearchHalves {
  /** Indices into the training set. */
  readonly weights: Uint32Array
  /** Indices into the set named. */
  readonly architecture: Uint32Array
  /** `test` where a benchmark takes its validation images from the test set (NATS-Bench on CIFAR-100: x-valid). */
  readonly architectureFrom: 'train' | 'test'
}

/**
 * The halves for w and alpha, both with the training transform (DARTS, DrNAS, PC-DARTS and NATS-Bench do so), and the
 * architecture half in order without it. Which images are used and which half each is in is drawn from the seed, classes in
 * proportion, unless the protocol's split is `fixed` or explicit halves are given.
 * @throws BenchError `bad-input` where a half is empty, a fixed split would part the classes, or the images are smaller than `data.imageSize`
 */
export function searchData(dataset: Dataset, options: SearchDataOptions): SearchData {
  const { data, batchSize, seed, halves, epochs = 1 } = options
  const chosen = halves ?? {
    ...searchHalves(dataset.train.labels, data, random(seed, 'data', 'halves')),
    architectureFrom: 'train' as const,
  }
  const images = (from: 'train' | 'test', rows: Uint32Array): Images => ({
    ...viewImages({ set: dataset[from], shape: dataset.shape, rows }, data.imageSize),
    statistics: dataset,
  })
  const weights = images('train', chosen.weights)
  const architecture = images(chosen.architectureFrom, chosen.architecture)
  const cutoutProbability = (epoch: number) => Math.min(1, epoch / Math.max(1, epochs - 1))
  const shuffle = { batchSize, augmentation: data, seed, ...(data.cutoutGrows && epochs > 1 && { cutoutProbability }) }
  return {
    shape: weights.shape,
    weights: shuffledBatches(weights, { ...shuffle, role: 'weights' }),
    architecture: shuffledBatches(architecture, { ...shuffle, role: 'architecture' }),
    validation: orderedBatches(architecture, { batchSize, seed, role: 'validation' }),
  }
}
