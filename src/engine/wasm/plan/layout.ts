/**
 * The layout of the memory that outlives a step: the addresses of weights, momentum, statistics, and everything else
 * that the host reads or writes.
 */
import { type Network, sizeOf } from '../../../core/network.ts'
import { offsetsOf } from '../../graph/graph.ts'
import type { Program } from './program.ts'

/** Byte addresses of the data that outlives a step. */
export interface Layout {
  /** For each parameter its byte offset from the beginning of a weight vector. */
  readonly parameterOffsets: readonly number[]
  /** Number of floats in a weight vector. */
  readonly length: number
  readonly weights: number
  readonly momentum: number
  readonly gradient: number
  /** For each tracked batch normalisation the address of its running means, followed by its running variances. */
  readonly statistics: readonly number[]
  readonly statisticsLength: number
  readonly images: number
  readonly labels: number
  readonly cotangent: number
  readonly pathScales: number
  /** Address of the label smoothing, a double. */
  readonly smoothing: number
  /** Address of three doubles: loss, correct, correct5. */
  readonly tally: number
}

/** Reserves the memory that outlives a step and returns its layout. */
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
    tally: program.reserve(24),
  }
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
