/** The buffers that outlive a step: what a network keeps, and what the host writes for each run. */
import { type Network, sizeOf } from '../../../core/network.ts'
import { offsetsOf } from '../../offsets.ts'
import type { Device } from '../device/device.ts'
import { DOT_PARTS } from '../kernels/vector.ts'
import type { Program } from './program.ts'

/** What a network keeps, whatever its plan. */
export interface State {
  /** Each parameter's place in a weight vector. */
  readonly parameterOffsets: readonly number[]
  /** Numbers in a weight vector. */
  readonly length: number
  readonly weights: GPUBuffer
  readonly momentum: GPUBuffer
  readonly gradient: GPUBuffer
  readonly statistics: GPUBuffer
  /** Of each tracked batch normalisation: running means, then running variances. */
  readonly statisticsOffsets: readonly number[]
  readonly statisticsLength: number
  /** Parts of scalar products. */
  readonly parts: GPUBuffer
}

export function makeState(device: Device, network: Network): State {
  const sizes = network.parameters.map(({ shape }) => sizeOf(shape))
  const length = sum(sizes)
  const statisticsLength = 2 * sum(network.statistics)
  const vector = (what: string) => device.buffer(4 * length, `${network.name}: ${what}`)
  return {
    parameterOffsets: offsetsOf(sizes),
    length,
    weights: vector('the weights'),
    momentum: vector('the momentum'),
    gradient: vector('the gradient of the weights'),
    statistics: device.buffer(4 * statisticsLength, `${network.name}: running statistics`),
    statisticsOffsets: offsetsOf(network.statistics).map((start) => 2 * start),
    statisticsLength,
    parts: device.buffer(4 * DOT_PARTS, 'a scalar product'),
  }
}

export function disposeState({ weights, momentum, gradient, statistics, parts }: State): void {
  for (const buffer of [weights, momentum, gradient, statistics, parts]) buffer.destroy()
}

/** What the host writes for a run, and reads after it. */
export interface Feeds {
  readonly images: GPUBuffer
  readonly labels: GPUBuffer
  readonly cotangent: GPUBuffer
  readonly pathScales: GPUBuffer
  /** Π factors of every term, then 1 or 0 whether it is enabled. */
  readonly terms: GPUBuffer
  /** Tallies of four numbers (loss, correct, correct5, samples), then ∂L/∂(Π factors) of every term. */
  readonly results: GPUBuffer
}

/** Tallies of steps that wait to be read, then those of batches in evaluation, then the one of a gradient. */
export const RING = 256
export const GRADIENT_TALLY = 2 * RING

export function makeFeeds(program: Program, network: Network, batchSize: number, termCount: number): Feeds {
  const { height, width, channels } = network.values[0]
  const buffer = (numbers: number, what: string) => program.keep(4 * numbers, `${network.name}: ${what}`)
  return {
    images: buffer(batchSize * height * width * channels, 'the images'),
    labels: buffer(batchSize, 'the labels'),
    cotangent: buffer(batchSize * network.classes, 'the cotangent'),
    pathScales: buffer(batchSize * network.pathCount, 'the scales of drop path'),
    terms: buffer(2 * termCount, 'the mixing weights'),
    results: buffer(4 * (GRADIENT_TALLY + 1) + termCount, 'the results'),
  }
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
