/** An image stream as a training, or a search, sees it. What is returned holds threads until closed. */
import type { Batch, BatchSource, ImageShape, SearchData } from '../../core/data.ts'
import { BenchError } from '../../core/errors.ts'
import { pluralize } from '../../core/plainText.ts'
import type { Protocol } from '../../core/protocol.ts'
import { random } from '../../core/random.ts'
import { ahead, countBatches, epochOrder } from '../batches/batches.ts'
import { everyRow } from '../batches/imageView.ts'
import { balancedOrder, searchHalves } from '../batches/subset.ts'
import type { TrainingData } from '../imagesInMemory.ts'
import { DecodePool } from './decodePool.ts'
import type { ImageFiles, ImageStream } from './imageStream.ts'

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

/** Some files, by whom they are decoded and what for. */
export interface StreamedPart {
  readonly pool: DecodePool
  readonly shape: ImageShape
  readonly files: ImageFiles
  /** Indices into the files. */
  readonly rows: Uint32Array
  /** Names the random streams: parts of different roles are independent under one seed. */
  readonly role: string
  /** Whether the training transform changes colours. */
  readonly jitter: boolean
}

export interface StreamOptions {
  readonly batchSize: number
  readonly seed: number
  /** What to do with a file that cannot be decoded: fail (default), or leave it out of its batch. */
  readonly brokenImages?: 'fail' | 'skip'
  /** Told of each file that was left out, in a line for the user. */
  readonly report?: (line: string) => void
}

/** Batches in preparation beside the one in use. */
const AHEAD = 2

/** Every epoch walks over the whole part in a new random order, with the training transform. */
export function shuffledStream(part: StreamedPart, options: StreamOptions): BatchSource {
  const orderOf = epochOrder(options.seed, part.role, part.rows.length)
  return endless(part, options, (epoch, positions, index) => {
    const order = orderOf(epoch)
    const shuffled = positions.map((position) => order[position])
    return decodeBatch(part, shuffled, options, { index, transformed: true })
  })
}

/** The part in order, without the training transform, again and again. */
export function orderedStream(part: StreamedPart, options: StreamOptions): BatchSource {
  return endless(part, options, (_, positions) => {
    const index = positions[0] / options.batchSize
    return decodeBatch(part, positions, options, { index, transformed: false })
  })
}

/** The part once, in order, without the training transform; batches of which no image could be decoded are left out. */
export async function* eachStreamed(part: StreamedPart, options: StreamOptions): AsyncGenerator<Batch> {
  const count = countBatches(part.rows, options.batchSize, part.role)
  const begun: Promise<Batch>[] = []
  let images = 0
  for (let next = 0; next < count || begun.length > 0; ) {
    while (next < count && begun.length <= AHEAD) {
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

/** Makes the batch of these positions of an epoch. @param index of the batch, across epochs */
type MakeBatch = (epoch: number, positions: Uint32Array, index: number) => Promise<Batch>

/** In the place of a batch of which no image could be decoded stands the one before it in its epoch. */
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
  return ahead({ batchSize, batchesPerEpoch, batch }, AHEAD)
}

/** Positions of a batch in an epoch; the last one may be smaller. */
function positionsOf({ rows }: StreamedPart, { batchSize }: StreamOptions, within: number): Uint32Array {
  const from = within * batchSize
  return Uint32Array.from({ length: Math.min(batchSize, rows.length - from) }, (_, i) => from + i)
}

interface BatchKind {
  /** Names its random numbers. */
  readonly index: number
  /** With the training transform. */
  readonly transformed: boolean
}

/** @param positions in the part */
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
        (error) => reportSkipped(error, options),
      )
    }),
  )
  const labels = Int32Array.from(positions, (position) => files.labels[rows[position]])
  return compact({ images, labels, size, randomKey: { seed, path: ['data', role, 'batch', index] } }, decoded)
}

/** The batch without the images that could not be decoded. */
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

/** → false: the image is not there. @throws whatever else went wrong, and broken images where they are fatal */
function reportSkipped(error: unknown, { brokenImages = 'fail', report }: StreamOptions): false {
  if (brokenImages === 'fail' || !(error instanceof BenchError) || error.code === 'failed') throw error
  report?.(`skipped: ${error.message}`)
  return false
}

const nothingDecoded = ({ role, rows }: StreamedPart) =>
  new BenchError('corrupt', `none of the ${pluralize(rows.length, 'image')} for ${role} could be decoded`)
