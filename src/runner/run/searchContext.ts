/** Makes the context of a search: the object with everything that a search algorithm may use, for one job. */
import type { Algorithm, ProgramImages, ProgramServices, SearchContext } from '../../core/algorithm.ts'
import type { BatchSource, ImageCounts, SearchData, WholeSet } from '../../core/data.ts'
import type { Evaluator, Oracle } from '../../core/evaluation.ts'
import type { Executor, SgdStep } from '../../core/executor.ts'
import { once } from '../../core/onceEach.ts'
import type { Probe } from '../../core/probe.ts'
import type { Protocol } from '../../core/protocol.ts'
import { random } from '../../core/random.ts'
import type { SearchSpace } from '../../core/space.ts'
import type { LogFormat } from '../../system/progressLog.ts'

/** The data, executor, space and callbacks from which the context of a search is made. */
export interface SearchResources {
  readonly space: SearchSpace
  readonly protocol: Protocol
  readonly seed: number
  readonly oracle: Oracle
  /** What an external program that does the search gets; absent for other searches. */
  readonly program?: ProgramServices
  data(): Promise<SearchData>
  executor(): Promise<Executor>
  /** Returns the number of the search's current epoch, from 0. */
  epoch(): number
  /**
   * Called before each batch of the weight half (on which network weights are trained), with the number of batches per
   * epoch.
   */
  onBatch(batchesPerEpoch: number): void
  /** Called before each SGD step on the network weights; absent: no callback. */
  onStep?(sgd: SgdStep): void
}

/** The opened resources of a job: algorithm, search space, evaluator, probes, images and executor. */
export interface JobResources extends Pick<SearchResources, 'data' | 'executor'> {
  readonly algorithm: Algorithm
  readonly space: SearchSpace
  /** Evaluator of the job's found architecture; absent if the job's result is only a genotype. */
  readonly evaluator?: Evaluator
  readonly probes: readonly Probe[]
  /** Returns the number of images in each part of the job's dataset; undefined if the search has read no image. */
  images?(): Promise<ImageCounts | undefined>
  /** Writes the images of a search by an external program to a folder; absent if the search reads no images. */
  programImages?(folder: string): Promise<ProgramImages>
  /** Folder of the dataset's image files; absent for built-in images. */
  readonly imageFolder?: string
  /** Number of threads that an external program may use; absent: no limit. */
  readonly threads?: number
  /** Formats in which the metrics of each epoch are logged; absent: none. */
  readonly log?: readonly LogFormat[]
  /** Whether the messages of an external program that does the search are reported; absent: false. */
  readonly withMessages?: boolean
}

/** Returns the context of a search. Images and executor are opened when the algorithm first uses them. */
export function searchContext(resources: SearchResources): SearchContext {
  const { space, protocol, seed, oracle, program } = resources
  const growing = protocol.data.cutoutGrows === true
  const data = once(async () => yieldingBatches(await resources.data(), resources, growing))
  return {
    space,
    protocol,
    seed,
    oracle,
    ...(program && { program }),
    random: (...path) => random(seed, ...path),
    data,
    async supernet(options, ownProbability) {
      const { affine, track, ...size } = protocol.network
      const { shape, classWeights } = await data()
      const network = space.supernet({ shape, ...size, batchNorm: { affine, track }, ...options })
      const { createSupernet } = await import('../../training/supernet.ts')
      const { searchDropProbability } = await import('../../training/dropPath.ts')
      const { dropPath = 0 } = { ...size, ...options }
      const dropProbability = () => searchDropProbability(resources.epoch(), protocol.epochs, dropPath)
      return createSupernet({
        ...((ownProbability || dropPath > 0) && { dropProbability: ownProbability ?? dropProbability }),
        ...(classWeights && { classWeights }),
        ...(resources.onStep && { onStep: resources.onStep }),
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
 * Returns the batches of a search's images, counted as they are read. Before each batch it yields to the event loop, so
 * that messages are sent and the end of the parent process is noticed.
 * @param growing whether the augmentation of the images grows with the epoch
 */
function yieldingBatches(data: SearchData, { onBatch, epoch }: SearchResources, growing: boolean): SearchData {
  const yielding = (source: BatchSource, before: () => void): BatchSource => ({
    batchSize: source.batchSize,
    batchesPerEpoch: source.batchesPerEpoch,
    async batch(index) {
      await new Promise((resolve) => setImmediate(resolve))
      before()
      return source.batch(index, growing ? epoch() : undefined)
    },
  })
  const counted = (sources: WholeSet): WholeSet => ({
    weights: yielding(sources.weights, () => onBatch(sources.weights.batchesPerEpoch)),
    architecture: yielding(sources.architecture, () => {}),
  })
  return { ...data, ...counted(data), whole: once(() => counted(data.whole())) }
}
