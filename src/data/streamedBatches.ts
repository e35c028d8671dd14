/** Batches of an image stream, decoded by threads ahead of the step; never whole in memory. */
import type { Batch, BatchSource, SearchData } from '../core/data.ts'
import { BenchError } from '../core/errors.ts'
import { random } from '../core/random.ts'
import { ahead } from './ahead.ts'
import { countBatches } from './batches.ts'
import { DecodePool } from './decodePool.ts'
import { epochOrder } from './epochOrder.ts'
import type { ImageFiles, ImageStream } from './imageStream.ts'
import { everyRow } from './imageView.ts'
import { balancedOrder } from './subset.ts'
import type { TrainingData } from './trainingData.ts'

export interface StreamOptions {
  readonly batchSize: number
  readonly seed: number
  /** Decoding threads; absent: one fewer than the cores. */
  readonly threads?: number
  /** What to do with a file that cannot be decoded: fail (default), or leave it out of its batch. */
  readonly brokenImages?: 'fail' | 'skip'
  /** Told of each file that was left out, in a line for the user. */
  readonly report?: (line: string) => void
}

/** Holds threads until closed. */
interface Closable {
  close(): Promise<void>
}

/** Batches in preparation beside the one in use. */
const AHEAD = 2

/**
 * For training one network: random windows of all training images (or of the first `limit` of a seeded order, classes in
 * proportion), central windows of the test images.
 */
export function streamedTrainingData(
  stream: ImageStream,
  options: StreamOptions & { readonly limit?: number | null },
): TrainingData & Closable {
  const pool = new DecodePool({ imageSize: stream.shape.height, statistics: stream.statistics }, options.threads)
  const order = balancedOrder(stream.train.labels, random(options.seed, 'data', 'limit'))
  const rows = order.slice(0, options.limit ?? order.length)
  return {
    shape: stream.shape,
    train: shuffled({ pool, files: stream.train, rows, role: 'training' }, options),
    test: (some) =>
      once({ pool, files: stream.test, rows: some ?? everyRow(stream.test.paths.length), role: 'test' }, options),
    trainOnce: (some) => once({ pool, files: stream.train, rows: some ?? rows, role: 'training' }, options),
    close: () => pool.close(),
  }
}

/**
 * For a search: two disjoint shares of the training images, classes in proportion (10 % and 2.5 % in DrNAS, §4.2, and
 * PC-DARTS), both with the training transform.
 */
export function streamedSearchData(
  stream: ImageStream,
  options: StreamOptions & { readonly weightsShare: number; readonly architectureShare: number },
): SearchData & Closable {
  const pool = new DecodePool({ imageSize: stream.shape.height, statistics: stream.statistics }, options.threads)
  const order = balancedOrder(stream.train.labels, random(options.seed, 'data', 'halves'))
  const cut = Math.floor(options.weightsShare * order.length)
  const end = cut + Math.floor(options.architectureShare * order.length)
  const weights = { pool, files: stream.train, rows: order.slice(0, cut), role: 'weights' }
  const architecture = { pool, files: stream.train, rows: order.slice(cut, end), role: 'architecture' }
  return {
    shape: stream.shape,
    weights: shuffled(weights, options),
    architecture: shuffled(architecture, options),
    validation: inOrder({ ...architecture, role: 'validation' }, options),
    close: () => pool.close(),
  }
}

/** Some files, by whom they are decoded and what for. */
interface Part {
  readonly pool: DecodePool
  readonly files: ImageFiles
  readonly rows: Uint32Array
  readonly role: string
}

function shuffled(part: Part, options: StreamOptions): BatchSource {
  const { batchSize, seed } = options
  const batchesPerEpoch = countBatches(part.rows, batchSize, part.role)
  const orderOf = epochOrder(seed, part.role, part.rows.length)
  return ahead(
    {
      batchSize,
      batchesPerEpoch,
      batch(index) {
        const order = orderOf(Math.floor(index / batchesPerEpoch))
        const from = (index % batchesPerEpoch) * batchSize
        const rows = order.subarray(from, from + batchSize).map((position) => part.rows[position])
        return decodeBatch(part, rows, options, index)
      },
    },
    AHEAD,
  )
}

function inOrder(part: Part, options: StreamOptions): BatchSource {
  const { batchSize } = options
  const batchesPerEpoch = countBatches(part.rows, batchSize, part.role)
  return ahead(
    {
      batchSize,
      batchesPerEpoch,
      batch: (index) => orderedBatch(part, options, index % batchesPerEpoch),
    },
    AHEAD,
  )
}

/** In order, without the training transform, as many batches begun ahead as for training. */
async function* once(part: Part, options: StreamOptions): AsyncGenerator<Batch> {
  const count = countBatches(part.rows, options.batchSize, part.role)
  const begun: Promise<Batch>[] = []
  for (let next = 0; next < count || begun.length > 0; ) {
    while (next < count && begun.length <= AHEAD) {
      const batch = orderedBatch(part, options, next++)
      batch.catch(() => undefined)
      begun.push(batch)
    }
    const [first] = begun.splice(0, 1)
    yield await first
  }
}

function orderedBatch(part: Part, options: StreamOptions, index: number): Promise<Batch> {
  const from = index * options.batchSize
  return decodeBatch(part, part.rows.subarray(from, from + options.batchSize), options, null)
}

/** @param index of the batch, for the training transform; null: without it */
async function decodeBatch(
  part: Part,
  rows: Uint32Array,
  options: StreamOptions,
  index: number | null,
): Promise<Batch> {
  const decoded = await Promise.all(
    Array.from(rows, (row, i) => {
      const path = ['data', part.role, 'augmentation', index ?? 0, i]
      const augmentation = index === null ? null : { seed: options.seed, path }
      return part.pool
        .decode({ path: part.files.paths[row], augmentation })
        .catch((error) => unlessSkipped(error, options))
    }),
  )
  const kept = decoded.flatMap((pixels, i) =>
    pixels === undefined ? [] : [{ pixels, label: part.files.labels[rows[i]] }],
  )
  if (kept.length === 0) throw new BenchError('corrupt', `no image of a whole batch could be decoded (${part.role})`)
  const images = new Float32Array(kept.length * kept[0].pixels.length)
  kept.forEach(({ pixels }, i) => {
    images.set(pixels, i * pixels.length)
  })
  return { images, labels: Int32Array.from(kept, ({ label }) => label), size: kept.length }
}

function unlessSkipped(error: unknown, { brokenImages = 'fail', report }: StreamOptions): undefined {
  if (brokenImages === 'fail' || !(error instanceof BenchError) || error.code !== 'corrupt') throw error
  report?.(`skipped: ${error.message}`)
}
