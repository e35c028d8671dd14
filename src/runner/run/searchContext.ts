/** All that a search may touch, put together for one job. */
import type { SearchContext } from '../../core/algorithm.ts'
import type { BatchSource, SearchData } from '../../core/data.ts'
import type { Oracle } from '../../core/evaluation.ts'
import type { Executor } from '../../core/executor.ts'
import type { Protocol } from '../../core/protocol.ts'
import { random } from '../../core/random.ts'
import type { SearchSpace } from '../../core/space.ts'

export interface SearchResources {
  readonly space: SearchSpace
  readonly protocol: Protocol
  readonly seed: number
  readonly oracle: Oracle
  data(): Promise<SearchData>
  executor(): Promise<Executor>
  /** The epoch of the moment, 0-based. */
  epoch(): number
  /** Called before each batch of the weight half, with the number that an epoch has. */
  onBatch(batchesPerEpoch: number): void
}

export function searchContext(resources: SearchResources): SearchContext {
  const { space, protocol, seed, oracle } = resources
  const growing = protocol.data.cutoutGrows === true
  const data = once(async () => watched(await resources.data(), resources, growing))
  return {
    space,
    protocol,
    seed,
    oracle,
    random: (...path) => random(seed, ...path),
    data,
    async supernet(options) {
      const { affine, track, ...size } = protocol.network
      const { shape } = await data()
      const network = space.supernet({ shape, ...size, batchNorm: { affine, track }, ...options })
      const { createSupernet } = await import('../../training/supernet.ts')
      const { searchDropProbability } = await import('../../training/dropPath.ts')
      const { dropPath = 0 } = size
      const dropProbability = () => searchDropProbability(resources.epoch(), protocol.epochs, dropPath)
      return createSupernet({
        ...(dropPath > 0 && { dropProbability }),
        executor: await resources.executor(),
        network,
        edges: space.edges,
        batchSize: protocol.batchSize,
        stream: random(seed, 'weights', 'start'),
      })
    },
  }
}

/**
 * The same batches, counted, with a breath before each: messages get through, and a lost parent is noticed.
 * @param growing whether augmentation grows by the epoch
 */
function watched(data: SearchData, { onBatch, epoch }: SearchResources, growing: boolean): SearchData {
  const breathing = (source: BatchSource, before: () => void): BatchSource => ({
    batchSize: source.batchSize,
    batchesPerEpoch: source.batchesPerEpoch,
    async batch(index) {
      await new Promise((resolve) => setImmediate(resolve))
      before()
      return source.batch(index, growing ? epoch() : undefined)
    },
  })
  const weights = breathing(data.weights, () => onBatch(data.weights.batchesPerEpoch))
  return { ...data, weights, architecture: breathing(data.architecture, () => {}) }
}

function once<T>(compute: () => Promise<T>): () => Promise<T> {
  let value: Promise<T> | undefined
  return () => {
    value ??= compute()
    return value
  }
}
