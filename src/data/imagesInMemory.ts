/**
 * Makes batches of a dataset in memory: for a bilevel search, which uses two halves of the training set, and for
 * training one network.
 */
import type { Batch, BatchSource, ImageShape, SearchData } from '../core/data.ts'
import { once } from '../core/onceEach.ts'
import type { Protocol } from '../core/protocol.ts'
import { random } from '../core/random.ts'
import { eachBatch, type Images, orderedBatches, shuffledBatches } from './batches/batches.ts'
import { everyRow, viewImages } from './batches/imageView.ts'
import { balancedOrder, classWeightsOf, searchHalves } from './batches/subset.ts'
import type { Dataset, ImageSet } from './dataset.ts'

export interface SearchDataOptions {
  readonly data: Protocol['data']
  readonly batchSize: number
  readonly seed: number
  /**
   * Number of epochs of the search, over which the cutout probability grows from 0 to 1. Absent: it is 1 in all epochs.
   */
  readonly epochs?: number
  /**
   * The weight half and the architecture half, such as the benchmark's own. Absent: a seeded split by `data.limit` and
   * `data.trainPortion`.
   */
  readonly halves?: SearchHalves
}

/** The images on which a bilevel search trains the network weights and the architecture parameters. */
export interface SearchHalves {
  /** Weight half: indices of its images in the training set. */
  readonly weights: Uint32Array
  /** Architecture half: indices of its images in the set that `architectureFrom` names. */
  readonly architecture: Uint32Array
  /**
   * The set that the architecture half is taken from: `train` for the training set, `test` if a benchmark takes it from
   * the test set (x-valid of CIFAR-100 in NATS-Bench).
   */
  readonly architectureFrom: 'train' | 'test'
}

/**
 * Returns the batches of a bilevel search: weight half and architecture half, both augmented (as in DARTS, DrNAS,
 * PC-DARTS and NATS-Bench), and the architecture half in order without augmentation, for validation. The seed decides
 * which images are used and which half each image is in, with the classes in proportion, unless the protocol's split is
 * `fixed` or `halves` are given.
 * @throws BenchError `bad-input` if a half is empty, or a fixed split would give the halves different classes
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
  const { sampling } = data
  const shuffle = {
    batchSize,
    augmentation: data,
    seed,
    sampling,
    ...(data.cutoutGrows && epochs > 1 && { cutoutProbability }),
  }
  const labels = () =>
    Int32Array.from([weights, architecture].flatMap(({ set, rows }) => Array.from(rows, (row) => set.labels[row])))
  const classWeights = classWeightsOf(data.classWeights, labels, dataset.classNames)
  return {
    shape: weights.shape,
    ...(classWeights && { classWeights }),
    weights: shuffledBatches(weights, { ...shuffle, role: 'weights' }),
    architecture: shuffledBatches(architecture, { ...shuffle, role: 'architecture' }),
    validation: orderedBatches(architecture, { batchSize, seed, role: 'validation' }),
    whole: once(() => {
      const all = images('train', trainingRows(chosen))
      return {
        weights: shuffledBatches(all, { ...shuffle, role: 'whole weights' }),
        architecture: shuffledBatches(all, { ...shuffle, role: 'whole architecture' }),
      }
    }),
  }
}

/** Returns the indices of the training images in both halves; an architecture half of test images is left out. */
const trainingRows = ({ weights, architecture, architectureFrom }: SearchHalves): Uint32Array =>
  architectureFrom === 'test' ? weights : Uint32Array.from([...weights, ...architecture])

export interface TrainingDataOptions {
  readonly data: Omit<Protocol['data'], 'trainPortion'>
  readonly batchSize: number
  readonly seed: number
  /** Indices of the training images to use; absent: the first `data.limit` of a seeded order. */
  readonly trainIndices?: Uint32Array
}

/** Batches for training one network and for measuring its accuracies. */
export interface TrainingData {
  readonly shape: ImageShape
  readonly train: BatchSource
  /** Weight of each class in the training loss; absent: all 1. */
  readonly classWeights?: readonly number[]
  /** Yields batches of the test images (all, or those at the indices) once, in order, without augmentation. */
  test(indices?: Uint32Array): Iterable<Batch> | AsyncIterable<Batch>
  /**
   * Yields batches of the training images once, in order, without augmentation: for the training accuracy, or for a
   * validation half.
   */
  trainOnce(indices?: Uint32Array): Iterable<Batch> | AsyncIterable<Batch>
}

/**
 * Returns the batches for training one network.
 * @throws BenchError `bad-input` if there are no training images
 */
export function trainingData(dataset: Dataset, options: TrainingDataOptions): TrainingData {
  const { data, batchSize, seed } = options
  const view = (set: ImageSet, rows = everyRow(set.count)): Images => ({
    ...viewImages({ set, shape: dataset.shape, rows }, data.imageSize),
    statistics: dataset,
  })
  const chosen = options.trainIndices ?? limited(dataset.train, data.limit, seed)
  const images = view(dataset.train, chosen)
  const labels = () => Int32Array.from(images.rows, (row) => images.set.labels[row])
  const classWeights = classWeightsOf(data.classWeights, labels, dataset.classNames)
  return {
    shape: images.shape,
    ...(classWeights && { classWeights }),
    train: shuffledBatches(images, { batchSize, augmentation: data, seed, sampling: data.sampling, role: 'training' }),
    test: (indices) => eachBatch(view(dataset.test, indices), { batchSize, seed, role: 'test' }),
    trainOnce: (indices) => eachBatch(view(dataset.train, indices), { batchSize, seed, role: 'training once' }),
  }
}

function limited(set: ImageSet, limit: number | null, seed: number): Uint32Array {
  if (limit === null) return everyRow(set.count)
  return balancedOrder(set.labels, random(seed, 'data', 'limit')).slice(0, limit)
}
