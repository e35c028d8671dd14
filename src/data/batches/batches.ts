/** Batches of images that are in memory: shuffled and augmented for training, in order for evaluation. */
import type { Batch, BatchSource, RandomName } from '../../core/data.ts'
import { BenchError } from '../../core/errors.ts'
import type { Protocol } from '../../core/protocol.ts'
import { type RandomStream, random } from '../../core/random.ts'
import type { ImageView } from './imageView.ts'
import { equalClasses } from './subset.ts'
import {
  type Augmentation,
  type ChannelStatistics,
  cutOut,
  drawPlacement,
  isAugmenting,
  normalisationTable,
  normaliseImage,
  placeImage,
} from './transforms.ts'

/** The images that batches are made of, and the channel statistics by which they are normalised. */
export interface Images extends ImageView {
  readonly statistics: ChannelStatistics
}

export interface OrderOptions {
  readonly batchSize: number
  readonly seed: number
  /**
   * Role of the batches, such as `training`. It is part of their random streams' names, so sources of different roles
   * are independent under one seed.
   */
  readonly role: string
}

export interface ShuffleOptions extends OrderOptions {
  readonly augmentation: Augmentation
  /** Returns the probability with which an image of an epoch gets a cutout; absent: 1. */
  readonly cutoutProbability?: (epoch: number) => number
  /** How often the images of each class are drawn (`Protocol.data.sampling`); absent: each image once per epoch. */
  readonly sampling?: Sampling
}

export type Sampling = NonNullable<Protocol['data']['sampling']>

/**
 * Returns batches of augmented images, shuffled anew in each epoch. The last batch of an epoch is smaller if the batch
 * size does not divide the number of images. No two batches share an array.
 */
export function shuffledBatches(images: Images, options: ShuffleOptions): BatchSource {
  const { batchSize, augmentation, seed, role, cutoutProbability = () => 1, sampling } = options
  const batchesPerEpoch = countBatches(images.rows, batchSize, role)
  const fill = filler(images)
  const labels = Int32Array.from(images.rows, (row) => images.set.labels[row])
  const orderOf = epochOrder(seed, role, labels, sampling)
  return prefetch({
    batchSize,
    batchesPerEpoch,
    async batch(index, epoch) {
      const within = index % batchesPerEpoch
      const pass = Math.floor(index / batchesPerEpoch)
      const positions = orderOf(pass).subarray(within * batchSize, (within + 1) * batchSize)
      const randomKey = { seed, path: ['data', role, 'batch', index] }
      if (!isAugmenting(augmentation)) return fill(positions, randomKey, normaliseOnly)
      const stream = random(seed, 'data', role, 'augmentation', index)
      const isCut = cutoutDecisions(
        augmentation,
        cutoutProbability(epoch ?? pass),
        random(seed, 'data', role, 'cutout', index),
      )
      return fill(positions, randomKey, (image) => {
        const placement = drawPlacement(images.shape, augmentation, stream)
        placeImage(image.source, image.target, images.shape, image.table, placement)
        if (isCut()) cutOut(image.target, images.shape, augmentation.cutout, placement.centre)
      })
    },
  })
}

/** Returns a function that decides for each image in turn whether the image gets a cutout. */
function cutoutDecisions({ cutout }: Augmentation, probability: number, stream: RandomStream): () => boolean {
  return () => cutout > 0 && (probability >= 1 || stream.uniform() < probability)
}

/** Returns batches in the order of the images, without augmentation, starting again after the last image. */
export function orderedBatches(images: Images, options: OrderOptions): BatchSource {
  const { batchSize, role } = options
  const batchesPerEpoch = countBatches(images.rows, batchSize, role)
  const batchAt = inOrder(images, options)
  return { batchSize, batchesPerEpoch, batch: async (index) => batchAt(index % batchesPerEpoch) }
}

/** Yields batches that contain every image once, in order, without augmentation. */
export function* eachBatch(images: Images, options: OrderOptions): Generator<Batch> {
  const batchAt = inOrder(images, options)
  for (let i = 0; i * options.batchSize < images.rows.length; i++) yield batchAt(i)
}

function inOrder(images: Images, { batchSize, seed, role }: OrderOptions): (index: number) => Batch {
  const fill = filler(images)
  return (index) => {
    const from = index * batchSize
    const size = Math.min(batchSize, images.rows.length - from)
    const positions = Uint32Array.from({ length: size }, (_, i) => from + i)
    return fill(positions, { seed, path: ['data', role, 'batch', index] }, normaliseOnly)
  }
}

const normaliseOnly = ({ source, target, table }: ImageSlot): void => normaliseImage(source, target, table)

interface ImageSlot {
  readonly source: Uint8Array
  readonly target: Float32Array
  readonly table: Float32Array
}

/**
 * Returns a function that makes a batch of the images at `positions` among the selected ones. Its argument `write`
 * writes each image into the batch.
 */
function filler({ set, shape, rows, statistics }: Images) {
  const length = shape.height * shape.width * shape.channels
  const table = normalisationTable(statistics)
  return (positions: Uint32Array, randomKey: RandomName, write: (image: ImageSlot) => void): Batch => {
    const images = new Float32Array(positions.length * length)
    positions.forEach((position, i) => {
      const row = rows[position]
      const source = set.pixels.subarray(row * length, (row + 1) * length)
      write({ source, target: images.subarray(i * length, (i + 1) * length), table })
    })
    const labels = Int32Array.from(positions, (position) => set.labels[rows[position]])
    return { images, labels, size: positions.length, randomKey }
  }
}

/**
 * Returns the number of batches in an epoch, the last of which may be smaller.
 * @throws BenchError `bad-input` if there are no images, or the batch size is not a positive integer
 */
export function countBatches(rows: Uint32Array, batchSize: number, role: string): number {
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new BenchError('bad-input', `batch size ${batchSize}: expected a whole number from 1`)
  }
  if (rows.length > 0) return Math.ceil(rows.length / batchSize)
  throw new BenchError('bad-input', `no images are left for ${role}; raise the limit or change the train portion`)
}

/**
 * Returns a function that gives the images of an epoch in random order, as positions 0 … n − 1 among the n labels. The
 * latest epoch's order is cached.
 */
export function epochOrder(
  seed: number,
  role: string,
  labels: Int32Array,
  sampling: Sampling = 'uniform',
): (epoch: number) => Uint32Array {
  let last: { readonly epoch: number; readonly order: Uint32Array } | undefined
  return (epoch) => {
    if (last?.epoch === epoch) return last.order
    const stream = random(seed, 'data', role, 'order', epoch)
    const order = sampling === 'balanced' ? equalClasses(labels, stream) : stream.permutation(labels.length)
    last = { epoch, order }
    return order
  }
}

/**
 * Returns the same batches, prepared ahead of time. When batch i is requested, preparation of the `count` batches after
 * it starts as soon as the event loop is free, so that they are ready when the training step on batch i ends. Prepared
 * batches that are skipped are dropped.
 */
export function prefetch(source: BatchSource, count = 1): BatchSource {
  const begun = new Map<number, { readonly epoch: number | undefined; readonly batch: Promise<Batch> }>()
  const begin = (index: number, epoch: number | undefined): Promise<Batch> => {
    const earlier = begun.get(index)
    if (earlier !== undefined && earlier.epoch === epoch) return earlier.batch
    const batch = source.batch(index, epoch)
    begun.set(index, { epoch, batch })
    batch.catch(() => undefined)
    return batch
  }
  return {
    batchSize: source.batchSize,
    batchesPerEpoch: source.batchesPerEpoch,
    batch(index, epoch) {
      const wanted = begin(index, epoch)
      for (const other of begun.keys()) if (other <= index || other > index + count) begun.delete(other)
      setImmediate(() => {
        for (let next = index + 1; next <= index + count; next++) begin(next, epoch)
      })
      return wanted
    },
  }
}
