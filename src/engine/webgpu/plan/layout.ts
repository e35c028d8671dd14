/**
 * Creates the GPU buffers that outlive a training step: the state of a network (weights, momentum, running statistics),
 * and the buffers through which the host writes inputs and reads results.
 */
import { type Network, sizeOf } from '../../../core/network.ts'
import { offsetsOf } from '../../graph/graph.ts'
import type { Device } from '../device/device.ts'
import { DOT_PARTS } from '../kernels/vector.ts'
import type { Program } from './program.ts'

/**
 * The GPU buffers with the state of a network. The ordinary plan of the network and the plan with frozen activations
 * share them. Offsets and lengths count floats.
 */
export interface State {
  /** Offset of each parameter tensor of the network in a weight vector, in floats. */
  readonly parameterOffsets: readonly number[]
  /** Length of a weight vector of the network, in floats. */
  readonly length: number
  readonly weights: GPUBuffer
  readonly momentum: GPUBuffer
  readonly gradient: GPUBuffer
  readonly statistics: GPUBuffer
  /**
   * For each batch normalisation with running statistics: the offset of its running means in `statistics`; its running
   * variances follow them.
   */
  readonly statisticsOffsets: readonly number[]
  readonly statisticsLength: number
  /** Partial sums that the kernel `dot` writes when it computes the norm of the gradient. */
  readonly parts: GPUBuffer
}

/** Creates the buffers of a network's state (weights, momentum, gradient, running statistics), filled with zeros. */
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

/**
 * The GPU buffers that the host writes before a network is run (images, labels, …) and reads afterwards (`results`).
 */
export interface Feeds {
  readonly images: GPUBuffer
  readonly labels: GPUBuffer
  /** Weight of each class in the cross-entropy. */
  readonly classWeights: GPUBuffer
  readonly cotangent: GPUBuffer
  /** The factor of drop path for each path and sample, [paths, largest batch]. */
  readonly pathScales: GPUBuffer
  /**
   * First the coefficient of every term (summand of a node), which is the product of its mixing weights; then for every
   * term 1 if it is computed, 0 if its path is switched off.
   */
  readonly terms: GPUBuffer
  /**
   * First the tallies of batches, four floats each (loss, correct, correct5, samples); then for every term the gradient
   * of the loss with respect to its coefficient.
   */
  readonly results: GPUBuffer
}

/**
 * Number of training steps whose tallies (loss and counts) can stay on the GPU before the host reads them. In
 * `results`, equally many tallies of evaluation batches follow those of training steps.
 */
export const RING = 256
/**
 * Index of the tally (loss and counts) that a gradient computation writes, after all tallies of training and
 * evaluation.
 */
export const GRADIENT_TALLY = 2 * RING

/**
 * Creates the GPU buffers through which the host writes a network's inputs and reads its results; they live as long as
 * the program.
 */
export function makeFeeds(program: Program, network: Network, batchSize: number, termCount: number): Feeds {
  const { height, width, channels } = network.values[0]
  const buffer = (numbers: number, what: string) => program.keep(4 * numbers, `${network.name}: ${what}`)
  return {
    images: buffer(batchSize * height * width * channels, 'the images'),
    labels: buffer(batchSize, 'the labels'),
    classWeights: buffer(network.classes, 'the class weights'),
    cotangent: buffer(batchSize * network.classes, 'the cotangent'),
    pathScales: buffer(batchSize * network.pathCount, 'the scales of drop path'),
    terms: buffer(2 * termCount, 'the mixing weights'),
    results: buffer(4 * (GRADIENT_TALLY + 1) + termCount, 'the results'),
  }
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
