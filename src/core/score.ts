/**
 * The contract of training-free scores: numbers that rank architectures by their untrained networks. A `Score` rates
 * one network; a `RankScore` rates a set of architectures by their ranks in other scores.
 */
import type { Batch, ImageShape } from './data.ts'
import type { Executable, Executor } from './executor.ts'
import type { Network, ValueId } from './network.ts'
import type { RandomStream } from './random.ts'

export interface Score {
  /** Name of the score, as given to `--score`: lower case with hyphens. */
  readonly name: string
  /** Version of the score, part of the identity of its numbers: raise it with every change that changes them. */
  readonly version: number
  /** Description of the score in one line, for `bench list scores`. */
  readonly description: string
  /** Paper that published the score, with its year. */
  readonly source: string
  /** Whether higher or lower values promise higher accuracy. */
  readonly better: 'higher' | 'lower'
  /**
   * What the score depends on. `architecture`: on nothing but the network's layers, so that all seeds give the same
   * number; `weights`: also on the initial weights; `noise`: also on random inputs that the score draws itself;
   * `images`: also on the images of the batch; `labels`: also on their labels.
   */
  readonly reads: 'architecture' | 'weights' | 'noise' | 'images' | 'labels'
  /**
   * Smallest number of images that the score needs, because it compares the images of a batch with each other. Smaller
   * batches are refused. Absent: 1.
   */
  readonly smallestBatch?: number
  /**
   * Which layers are scored. `output`: only layers on which the network's output depends, so that networks that differ
   * in other layers alone have the same score. `network`: all layers, as in the published code.
   */
  readonly layers: 'output' | 'network'
  /**
   * Initialisation with which the score draws the network weights, by a name that `--init` knows; it overrides
   * `--init`. Absent: the initialisation that `--init` names.
   */
  readonly initialisation?: string
  /**
   * Computes the score of an untrained network. A number that is not finite, as log 0 of a network whose output does
   * not depend on its input, means a degenerate network, which is ranked last. Networks whose initial weights are not
   * finite are degenerate for every score that reads more than the architecture, and are not given to this function.
   * @throws BenchError `unsupported` for networks that the score is not defined for, such as those without batch norms
   */
  compute(input: ScoreInput): Promise<number>
}

/** A score of a set of architectures by their ranks in several scores. */
export interface RankScore {
  readonly name: string
  readonly version: number
  readonly description: string
  readonly source: string
  readonly better: 'higher'
  /** Names of the scores whose ranks are combined. */
  readonly parts: readonly string[]
  /**
   * Combines the ranks of one architecture.
   * @param ranks for each part the rank of the architecture, 1 for the worst; tied architectures share their mean rank
   * @param count number of architectures that are ranked
   */
  combine(ranks: readonly number[], count: number): number
}

/**
 * An untrained network with everything that a score may read. Scores of one network share results that are costly to
 * compute.
 */
export interface ScoreInput {
  readonly network: Network
  /** Shape of the network's images, and number of classes. */
  readonly shape: ImageShape
  readonly executor: Executor
  /** Initial weights of the network: parameter by parameter, each row-major. */
  readonly weights: Float32Array
  /** Number of images in each batch. */
  readonly batchSize: number
  /** Returns a batch of normalised images with labels. @param index 0 for the first batch, 1 for another, … */
  batch(index?: number): Batch
  /** Returns the random stream that this path names under the seed of the score, at its beginning. */
  random(...path: readonly (string | number)[]): RandomStream
  /**
   * Returns the network compiled for the batch size, with the initial weights, and with the given activations observed.
   * A score that changes weights or running statistics must restore them.
   */
  open(observed?: readonly ValueId[]): Promise<Executable>
  /** Builds the network of the same architecture in another size. */
  resized(size: { readonly shape: ImageShape; readonly channels: number; readonly depth: number }): Network
  /** Returns the result of `compute`, which all scores of this network share under the key: it is computed once. */
  shared<T>(key: string, compute: () => Promise<T>): Promise<T>
}

/**
 * Returns the definition of a score unchanged. Its only use is that TypeScript checks the types of the definition, and
 * infers those left out.
 */
export const defineScore = (score: Score): Score => score

/**
 * The number in place of a score that is not finite: it ranks degenerate networks last, all equal. The published tables
 * of training-free scores have the same number.
 */
export const DEGENERATE = 1e8

/** Returns the score of a degenerate network: the worst number for the score. */
export const degenerate = ({ better }: Pick<Score, 'better'>): number =>
  better === 'higher' ? -DEGENERATE : DEGENERATE
