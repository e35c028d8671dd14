/** An image stream as a training, or a search, sees it. What is returned holds threads until closed. */
import type { SearchData } from '../core/data.ts'
import type { Protocol } from '../core/protocol.ts'
import { random } from '../core/random.ts'
import { everyRow } from './batches/imageView.ts'
import { balancedOrder, searchHalves } from './batches/subset.ts'
import { DecodePool } from './photographs/decodePool.ts'
import type { ImageStream } from './photographs/imageStream.ts'
import { eachStreamed, orderedStream, type StreamOptions, shuffledStream } from './photographs/streamedBatches.ts'
import type { TrainingData } from './trainingData.ts'

export interface StreamedDataOptions extends StreamOptions {
  /** Decoding threads; absent: one fewer than the cores. */
  readonly threads?: number
}

export interface Closable {
  close(): Promise<void>
}

/**
 * For training one network: random windows of all training images (or of the first `limit` of a seeded order, classes in
 * proportion), mirrored and with their colours changed; central windows of the test images.
 */
export function streamedTrainingData(
  stream: ImageStream,
  options: StreamedDataOptions & { readonly limit?: number | null },
): TrainingData & Closable {
  const pool = openPool(stream, options)
  const order = balancedOrder(stream.train.labels, random(options.seed, 'data', 'limit'))
  const training = {
    ...{ pool, shape: stream.shape, files: stream.train, jitter: true, role: 'training' },
    rows: order.slice(0, options.limit ?? order.length),
  }
  const test = { ...training, files: stream.test, rows: everyRow(stream.test.paths.length), role: 'test' }
  return {
    shape: stream.shape,
    train: shuffledStream(training, options),
    test: (rows = test.rows) => eachStreamed({ ...test, rows }, options),
    trainOnce: (rows = training.rows) => eachStreamed({ ...training, rows }, options),
    close: () => pool.close(),
  }
}

/**
 * For a search: two disjoint shares of the training images, classes in proportion, both as random windows, mirrored or not,
 * in their own colours (`yuhuixu1993/PC-DARTS` and `xiangning-chen/DrNAS`: train_search_imagenet.py).
 */
export function streamedSearchData(
  stream: ImageStream,
  options: StreamedDataOptions & { readonly data: Protocol['data'] },
): SearchData & Closable {
  const pool = openPool(stream, options)
  const shares = searchHalves(stream.train.labels, options.data, random(options.seed, 'data', 'halves'))
  const common = { pool, shape: stream.shape, files: stream.train, jitter: false }
  const weights = { ...common, rows: shares.weights, role: 'weights' }
  const architecture = { ...common, rows: shares.architecture, role: 'architecture' }
  return {
    shape: stream.shape,
    weights: shuffledStream(weights, options),
    architecture: shuffledStream(architecture, options),
    validation: orderedStream({ ...architecture, role: 'validation' }, options),
    close: () => pool.close(),
  }
}

const openPool = ({ shape, statistics }: ImageStream, { threads, report }: StreamedDataOptions) =>
  new DecodePool({ imageSize: shape.height, statistics }, threads, report)
