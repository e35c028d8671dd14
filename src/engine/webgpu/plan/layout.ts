/**
 * The buffers that outlive a step: the state of a network (weights, momentum, statistics), and what the host writes for
 * each run.
 */
import { type Network, sizeOf } from '../../../core/network.ts'
import { offsetsOf } from '../../graph/graph.ts'
import type { Device } from '../device/device.ts'
import { DOT_PARTS } from '../kernels/vector.ts'
import type { Program } from './program.ts'

/** The state of a network, which all its plans share. Offsets and lengths count floats. */
export interface State {
  /** Where each parameter begins in a weight vector. */
  readonly parameterOffsets: readonly number[]
  /** Length of a weight vector. */
  readonly length: number
  readonly weights: GPUBuffer
  readonly momentum: GPUBuffer
  readonly gradient: GPUBuffer
  readonly statistics: GPUBuffer
  /** Where the running means of each tracked batch normalisation begin; the running variances follow them. */
  readonly statisticsOffsets: readonly number[]
  readonly statisticsLength: number
  /** Partial sums of scalar products, for `dot`. */
  readonly parts: GPUBuffer
}

/** Creates the buffers of a network's state, all zeros. */
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

/** The buffers that the host writes before a run and reads after it. */
export interface Feeds {
  readonly images: GPUBuffer
  readonly labels: GPUBuffer
  readonly cotangent: GPUBuffer
  /** Drop-path scales, [paths][largest batch]. */
  readonly pathScales: GPUBuffer
  /** For every term Π factors; then for every term 1 if it is enabled, else 0. */
  readonly terms: GPUBuffer
  /** Tallies of four floats (loss, correct, correct5, samples), then ∂L/∂(Π factors) of every term. */
  readonly results: GPUBuffer
}

/** Number of tallies of training steps that can wait to be read; as many tallies of evaluation batches follow them. */
export const RING = 256
/** Number of the tally of a gradient, behind both rings. */
export const GRADIENT_TALLY = 2 * RING

/** Creates the buffers that the host writes and reads; they live as long as the program. */
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
