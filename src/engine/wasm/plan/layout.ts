/**
 * Lays out the part of the WebAssembly memory that keeps its contents from one training step to the next: weights,
 * momentum, running statistics, and everything else that the host reads or writes.
 */
import { type Network, sizeOf } from '../../../core/network.ts'
import { offsetsOf } from '../../graph/graph.ts'
import type { Program } from './program.ts'

/** Byte addresses, in WebAssembly memory, of the data that stays in place from one training step to the next. */
export interface Layout {
  /** For each parameter tensor of the network, its byte offset from the beginning of a weight vector. */
  readonly parameterOffsets: readonly number[]
  /** Number of float32 entries in a vector of all network weights. */
  readonly length: number
  readonly weights: number
  readonly momentum: number
  readonly gradient: number
  /**
   * For each batch norm with running statistics, the byte address of its running means; its running variances follow
   * them.
   */
  readonly statistics: readonly number[]
  readonly statisticsLength: number
  readonly images: number
  readonly labels: number
  readonly cotangent: number
  readonly pathScales: number
  /** Byte address of the label smoothing of the loss, a float64. */
  readonly smoothing: number
  /** Byte address of the weight of each class in the loss, float64. */
  readonly classWeights: number
  /**
   * Byte address of three float64: the loss of the batch, its number of correct predictions, and its number of top-5
   * correct predictions.
   */
  readonly tally: number
}

/** Reserves the WebAssembly memory that keeps its contents between training steps, and returns its layout. */
export function layOut(program: Program, network: Network, batchSize: number): Layout {
  const sizes = network.parameters.map(({ shape }) => sizeOf(shape))
  const length = sum(sizes)
  const statisticsLength = 2 * sum(network.statistics)
  const statistics = program.reserve(statisticsLength * 4)
  const input = network.values[0]
  return {
    parameterOffsets: offsetsOf(sizes).map((start) => start * 4),
    length,
    weights: program.reserve(length * 4),
    momentum: program.reserve(length * 4),
    gradient: program.reserve(length * 4),
    statistics: offsetsOf(network.statistics).map((start) => statistics + 8 * start),
    statisticsLength,
    images: program.reserve(batchSize * input.height * input.width * input.channels * 4),
    labels: program.reserve(batchSize * 4),
    cotangent: program.reserve(batchSize * network.classes * 4),
    pathScales: program.reserve(batchSize * network.pathCount * 4),
    smoothing: program.reserve(8),
    classWeights: program.reserve(network.classes * 8),
    tally: program.reserve(24),
  }
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
