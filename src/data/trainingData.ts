/** A dataset as the training of one discrete network sees it. */
import type { Batch, BatchSource, ImageShape } from '../core/data.ts'
import type { Protocol } from '../core/protocol.ts'
import { random } from '../core/random.ts'
import { eachBatch, type Images, shuffledBatches } from './batches/batches.ts'
import { everyRow, viewImages } from './batches/imageView.ts'
import { balancedOrder } from './batches/subset.ts'
import type { Dataset, ImageSet } from './dataset.ts'

export interface TrainingDataOptions {
  readonly data: Omit<Protocol['data'], 'trainPortion'>
  readonly batchSize: number
  readonly seed: number
  /** Indices of the training images to use, instead of the first `data.limit` of a seeded order. */
  readonly trainIndices?: Uint32Array
}

export interface TrainingData {
  readonly shape: ImageShape
  readonly train: BatchSource
  /** Images of the test set (all, or those named) once, in order, without augmentation. */
  test(indices?: Uint32Array): Iterable<Batch> | AsyncIterable<Batch>
  /** Images of the training set once, in order, without augmentation: for training accuracy, or a validation half. */
  trainOnce(indices?: Uint32Array): Iterable<Batch> | AsyncIterable<Batch>
}

/** @throws BenchError `bad-input` where no image is left or the images are smaller than `data.imageSize` */
export function trainingData(dataset: Dataset, options: TrainingDataOptions): TrainingData {
  const { data, batchSize, seed } = options
  const view = (set: ImageSet, rows = everyRow(set.count)): Images => ({
    ...viewImages({ set, shape: dataset.shape, rows }, data.imageSize),
    statistics: dataset,
  })
  const chosen = options.trainIndices ?? limited(dataset.train, data.limit, seed)
  const images = view(dataset.train, chosen)
  return {
    shape: images.shape,
    train: shuffledBatches(images, { batchSize, augmentation: data, seed, role: 'training' }),
    test: (indices) => eachBatch(view(dataset.test, indices), { batchSize, seed, role: 'test' }),
    trainOnce: (indices) => eachBatch(view(dataset.train, indices), { batchSize, seed, role: 'training once' }),
  }
}

function limited(set: ImageSet, limit: number | null, seed: number): Uint32Array {
  if (limit === null) return everyRow(set.count)
  return balancedOrder(set.labels, random(seed, 'data', 'limit')).slice(0, limit)
}
