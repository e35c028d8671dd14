/**
 * Batches of photographs that worker threads decode while the network trains on earlier batches, for datasets too large
 * for memory (ImageNet). They serve to train one network or to run a bilevel search. The threads run until `close` is
 * called.
 */
import type { Batch, BatchSource, ImageShape, SearchData } from '../../core/data.ts'
import { BenchError } from '../../core/errors.ts'
import { once } from '../../core/onceEach.ts'
import { pluralize } from '../../core/plainText.ts'
import type { Protocol } from '../../core/protocol.ts'
import { random } from '../../core/random.ts'
import { countBatches, epochOrder, prefetch, type Sampling } from '../batches/batches.ts'
import { everyRow } from '../batches/imageView.ts'
import { balancedOrder, classWeightsOf, searchHalves } from '../batches/subset.ts'
import { type BrokenImages, reportSkipped } from '../files/brokenImages.ts'
import type { TrainingData } from '../imagesInMemory.ts'
import { DecodePool } from './decodePool.ts'
import type { ImageFiles, ImageStream } from './imageStream.ts'

export interface StreamedDataOptions extends StreamOptions {
  /** Number of worker threads that decode photographs; absent: one fewer than the cores. */
  readonly threads?: number
}

/** A source of batches with worker threads, which run until it is closed. */
export interface Closable {
  close(): Promise<void>
}

/**
 * Returns the batches for training one network: random crops of the training images, mirrored at random and
 * colour-jittered, and central crops of the test images. With `limit`, only the first `limit` training images are used,
 * in a seeded order that keeps the classes in proportion.
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
    ...weightedClasses(stream, training.rows, options),
    train: shuffledStream(training, options),
    test: (rows = test.rows) => eachStreamed({ ...test, rows }, options),
    trainOnce: (rows = training.rows) => eachStreamed({ ...training, rows }, options),
    close: () => pool.close(),
  }
}

/**
 * Returns the batches of a bilevel search: weight half and architecture half of the training images, with the classes
 * in proportion, both as random crops, mirrored at random, without colour jitter (`yuhuixu1993/PC-DARTS` and
 * `xiangning-chen/DrNAS`: train_search_imagenet.py).
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
    ...weightedClasses(stream, Uint32Array.from([...shares.weights, ...shares.architecture]), options),
    weights: shuffledStream(weights, options),
    architecture: shuffledStream(architecture, options),
    validation: orderedStream({ ...architecture, role: 'validation' }, options),
    whole: once(() => {
      const all = { ...common, rows: Uint32Array.from([...shares.weights, ...shares.architecture]) }
      return {
        weights: shuffledStream({ ...all, role: 'whole weights' }, options),
        architecture: shuffledStream({ ...all, role: 'whole architecture' }, options),
      }
    }),
    close: () => pool.close(),
  }
}

/** Returns the weights of the classes in the loss if the options say so. @param rows indices of the training images */
function weightedClasses({ train, classNames }: ImageStream, rows: Uint32Array, options: StreamOptions) {
  const labels = () => Int32Array.from(rows, (row) => train.labels[row])
  const classWeights = classWeightsOf(options.classWeights, labels, classNames)
  return classWeights && { classWeights }
}

const openPool = ({ shape, statistics }: ImageStream, { threads, report }: StreamedDataOptions) =>
  new DecodePool({ imageSize: shape.height, statistics }, threads, report)

/** A selection of image files, the threads that decode them, and the role of the batches. */
export interface StreamedPart {
  readonly pool: DecodePool
  readonly shape: ImageShape
  readonly files: ImageFiles
  /** Indices of the selected images in `files`. */
  readonly rows: Uint32Array
  /**
   * Role of the batches, such as `training`. It is part of their random streams' names, so roles are independent under
   * one seed.
   */
  readonly role: string
  /** Whether the augmentation of the batches includes colour jitter. */
  readonly jitter: boolean
}

/** How photographs are drawn, and what to do with those that cannot be decoded: with `skip` a batch lacks them. */
export interface StreamOptions extends BrokenImages {
  readonly batchSize: number
  readonly seed: number
  /**
   * How often the photographs of each class are drawn for training (`Protocol.data.sampling`); absent: each one once.
   */
  readonly sampling?: Sampling
  /** How the classes are weighted in the loss (`Protocol.data.classWeights`); absent: `none`. */
  readonly classWeights?: Protocol['data']['classWeights']
}

/** Number of batches that are prepared ahead, beside the one in use. */
const PREFETCHED = 2

/** Returns batches of augmented photographs, shuffled anew in each epoch. */
export function shuffledStream(part: StreamedPart, options: StreamOptions): BatchSource {
  const labels = Int32Array.from(part.rows, (row) => part.files.labels[row])
  const orderOf = epochOrder(options.seed, part.role, labels, options.sampling)
  return endless(part, options, (epoch, positions, index) => {
    const order = orderOf(epoch)
    const shuffled = positions.map((position) => order[position])
    return decodeBatch(part, shuffled, options, { index, transformed: true })
  })
}

/** Returns batches in the order of the files, without augmentation, starting again after the last photograph. */
export function orderedStream(part: StreamedPart, options: StreamOptions): BatchSource {
  return endless(part, options, (_, positions) => {
    const index = positions[0] / options.batchSize
    return decodeBatch(part, positions, options, { index, transformed: false })
  })
}

/**
 * Yields batches that contain every photograph once, in order, without augmentation. A batch is left out if none of its
 * photographs can be decoded.
 */
export async function* eachStreamed(part: StreamedPart, options: StreamOptions): AsyncGenerator<Batch> {
  const count = countBatches(part.rows, options.batchSize, part.role)
  const begun: Promise<Batch>[] = []
  let images = 0
  for (let next = 0; next < count || begun.length > 0; ) {
    while (next < count && begun.length <= PREFETCHED) {
      const batch = decodeBatch(part, positionsOf(part, options, next), options, { index: next++, transformed: false })
      batch.catch(() => undefined)
      begun.push(batch)
    }
    const [first] = begun.splice(0, 1)
    const batch = await first
    images += batch.size
    if (batch.size > 0) yield batch
  }
  if (images === 0) throw nothingDecoded(part)
}

/**
 * Makes a batch of the photographs at the given positions of an epoch's order.
 * @param index number of the batch, counted across epochs
 */
type MakeBatch = (epoch: number, positions: Uint32Array, index: number) => Promise<Batch>

/**
 * Returns a source of batches that starts again after the last batch. If no photograph of a batch can be decoded, the
 * batch before it in the same epoch takes its place.
 */
function endless(part: StreamedPart, options: StreamOptions, make: MakeBatch): BatchSource {
  const { batchSize } = options
  const batchesPerEpoch = countBatches(part.rows, batchSize, part.role)
  const batch = async (index: number): Promise<Batch> => {
    const epoch = Math.floor(index / batchesPerEpoch)
    for (let back = 0; back < batchesPerEpoch; back++) {
      const within = (index - back + batchesPerEpoch) % batchesPerEpoch
      const made = await make(epoch, positionsOf(part, options, within), epoch * batchesPerEpoch + within)
      if (made.size > 0) return made
    }
    throw nothingDecoded(part)
  }
  return prefetch({ batchSize, batchesPerEpoch, batch }, PREFETCHED)
}

/**
 * Returns the positions of a batch's photographs in the order of an epoch. The last batch may be smaller.
 * @param within number of the batch within its epoch
 */
function positionsOf({ rows }: StreamedPart, { batchSize }: StreamOptions, within: number): Uint32Array {
  const from = within * batchSize
  return Uint32Array.from({ length: Math.min(batchSize, rows.length - from) }, (_, i) => from + i)
}

interface BatchKind {
  /** Number of the batch across epochs, which is part of the random streams' names. */
  readonly index: number
  /** Whether the photographs of the batch are augmented. */
  readonly transformed: boolean
}

/** Decodes the photographs of one batch. @param positions positions of the photographs among the selected files */
async function decodeBatch(
  { pool, files, rows, role, shape, jitter }: StreamedPart,
  positions: Uint32Array,
  options: StreamOptions,
  { index, transformed }: BatchKind,
): Promise<Batch> {
  const { seed } = options
  const size = positions.length
  const length = shape.height * shape.width * shape.channels
  const images = new Float32Array(size * length)
  const decoded = await Promise.all(
    Array.from(positions, async (position, i) => {
      const path = ['data', role, 'augmentation', index, i]
      const photograph = {
        path: files.paths[rows[position]],
        augmentation: transformed ? { seed, path, jitter } : null,
      }
      return pool.decode(photograph, images.subarray(i * length, (i + 1) * length)).then(
        () => true,
        (error) => {
          reportSkipped(error, options)
          return false
        },
      )
    }),
  )
  const labels = Int32Array.from(positions, (position) => files.labels[rows[position]])
  return compact({ images, labels, size, randomKey: { seed, path: ['data', role, 'batch', index] } }, decoded)
}

/** Returns a batch without the photographs that could not be decoded. */
function compact({ images, labels, size, randomKey }: Batch, decoded: readonly boolean[]): Batch {
  const length = images.length / size
  let kept = 0
  for (let i = 0; i < size; i++) {
    if (!decoded[i]) continue
    if (kept < i) images.copyWithin(kept * length, i * length, (i + 1) * length)
    labels[kept++] = labels[i]
  }
  return { images: images.subarray(0, kept * length), labels: labels.subarray(0, kept), size: kept, randomKey }
}

const nothingDecoded = ({ role, rows }: StreamedPart) =>
  new BenchError('corrupt', `none of the ${pluralize(rows.length, 'image')} for ${role} could be decoded`)
