/** Runs a network once on an executor and returns loss, outputs, gradients, and the state after a step. */
import type { ExecutableState, Executor, Feed, Mode, Objective, SgdStep } from '../../../src/core/executor.ts'
import type { Network } from '../../../src/core/network.ts'
import { random } from '../../../src/core/random.ts'
import { initialWeights } from '../../../src/training/initialise.ts'

const SGD: SgdStep = { learningRate: 0.05, momentum: 0.9, nesterov: true, weightDecay: 3e-4, clipNorm: 1 }
const CROSS_ENTROPY: Objective = { kind: 'cross-entropy' }

export function feedFor(network: Network, size: number, name = 'feed'): Feed {
  const stream = random(1, name, network.name)
  const { height, width, channels } = network.values[0]
  const images = Float32Array.from({ length: size * height * width * channels }, () => stream.normal())
  const labels = Int32Array.from({ length: size }, () => stream.integer(network.classes))
  const coefficients = Float64Array.from({ length: network.coefficientCount }, () => stream.uniform())
  const pathScales = Float32Array.from({ length: network.pathCount * size }, () => (stream.integer(4) > 0 ? 4 / 3 : 0))
  return { batch: { images, labels, size }, coefficients, pathScales }
}

export interface Request {
  readonly feed: Feed
  readonly batchSize?: number
  readonly objective?: Objective
  readonly mode?: Mode
}

/** Returns random weights, momentum and running statistics, different from the initial ones. */
function stateFor(network: Network): ExecutableState {
  const weights = initialWeights(network, random(2, 'weights'))
  const stream = random(2, 'state')
  const momentum = weights.map(() => 0.01 * stream.normal())
  const statistics = network.statistics.flatMap((channels) => [
    ...Array.from({ length: channels }, () => 0.1 * stream.normal()),
    ...Array.from({ length: channels }, () => 0.5 + stream.uniform()),
  ])
  return { weights, momentum, statistics: Float32Array.from(statistics) }
}

export async function run(executor: Executor, network: Network, request: Request) {
  const { feed, objective = CROSS_ENTROPY, mode = 'train' } = request
  const executable = await executor.compile(network, { batchSize: request.batchSize ?? feed.batch.size })
  executable.restore(stateFor(network))
  const vector = executable.vector()
  const result = await executable.gradient(feed, objective, { coefficients: true, weights: vector }, mode)
  const gradient = await vector.read()
  const output = await executable.forward(feed, mode === 'train' ? 'probe' : mode)
  await executable.step(feed, objective, SGD)
  const state = await executable.save()
  executable.dispose()
  return { ...result, gradient, ...output, ...state }
}
