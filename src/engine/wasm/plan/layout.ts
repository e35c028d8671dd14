/** The memory that outlives a step: weights and what else the host reads or writes, at fixed addresses. */
import { type Network, sizeOf } from '../../../core/network.ts'
import { offsetsOf } from '../../graph/graph.ts'
import type { Program } from './program.ts'

/** Byte addresses. */
export interface Layout {
  /** Each parameter's place in a weight vector, in bytes from its beginning. */
  readonly parameterOffsets: readonly number[]
  /** Numbers in a weight vector. */
  readonly length: number
  readonly weights: number
  readonly momentum: number
  readonly gradient: number
  /** Of each tracked batch normalisation: running means, then running variances. */
  readonly statistics: readonly number[]
  readonly statisticsLength: number
  readonly images: number
  readonly labels: number
  readonly cotangent: number
  readonly pathScales: number
  /** A double. */
  readonly smoothing: number
  /** Doubles: loss, correct, correct5. */
  readonly tally: number
}

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
