/**
 * Small networks of every kind, trained for some steps and disturbed a little: every weight and every batch-norm statistic
 * is away from where it began, also those that training cannot move, such as shifts before another batch normalisation.
 */
import type { Executor } from '../../src/core/executor.ts'
import type { Network } from '../../src/core/network.ts'
import { NetworkBuilder } from '../../src/core/networkBuilder.ts'
import { random } from '../../src/core/random.ts'
import type { EvaluationNetworkOptions, SpaceFamily } from '../../src/core/space.ts'
import { openExecutor } from '../../src/engine/index.ts'
import type { Deployment } from '../../src/export/deployment.ts'
import { dartsFamily } from '../../src/spaces/darts/index.ts'
import { nb201 } from '../../src/spaces/nb201/index.ts'
import { drawPathScales } from '../../src/training/dropPath.ts'
import { initialWeights } from '../../src/training/initialise.ts'
import { namedTensors, stateOf } from '../../src/training/namedTensors.ts'

/** Every operation of the DARTS space in both cells. */
const EVERY_OPERATION = (() => {
  const cell = [
    ['sep_conv_3x3', 0],
    ['sep_conv_5x5', 1],
    ['dil_conv_3x3', 0],
    ['dil_conv_5x5', 1],
    ['max_pool_3x3', 0],
    ['avg_pool_3x3', 1],
    ['skip_connect', 0],
    ['skip_connect', 2],
  ]
  return JSON.stringify({ normal: cell, reduce: cell })
})()

interface Case {
  readonly name: string
  readonly family: Pick<SpaceFamily, 'parse' | 'network'>
  readonly genotype: string
  readonly options: Omit<EvaluationNetworkOptions, 'shape'> & { readonly side: number }
}

const cell = nb201 as unknown as Case['family']
const darts = dartsFamily as unknown as Case['family']

/** A network as a plugin may build one: with channels cut and shuffled, a border dropped, and pixels flattened. */
const ofPlugin: Case['family'] = {
  parse: () => ({ space: 'plugin' }),
  network(_, { shape, channels }) {
    const builder = new NetworkBuilder(shape)
    const wide = builder.conv(builder.input, 2 * channels, { kernel: 3, stride: 2, padding: 1 }, 'first.conv')
    const norm = builder.batchNorm(wide, { affine: true, track: true }, 'first.bn')
    const cut = builder.slice(builder.crop(builder.relu(norm), 1), 1, 6)
    const shuffled = builder.shuffle(cut, 3)
    const pooled = builder.pool('avgPool', shuffled, { kernel: 3, stride: 2, padding: 1 })
    const logits = builder.linear(pooled, shape.classes, 'classifier')
    return builder.build({ name: 'network of a plugin', heads: [{ logits, lossWeight: 1 }], features: pooled })
  },
}

export const cases: readonly Case[] = [
  {
    name: 'a network with cut and shuffled channels, a dropped border and flattened pixels',
    ...{ family: ofPlugin, genotype: '' },
    options: { side: 12, channels: 4, depth: 1 },
  },
  {
    name: 'DARTS cells with every operation, auxiliary head and drop path, for CIFAR',
    ...{ family: darts, genotype: EVERY_OPERATION },
    options: { side: 32, channels: 4, depth: 3, auxiliary: true, dropPath: true },
  },
  {
    name: 'DARTS cells with normalised poolings',
    ...{ family: darts, genotype: EVERY_OPERATION },
    options: { side: 16, channels: 4, depth: 4, pooledBatchNorm: true },
  },
  {
    name: 'DARTS cells with ImageNet’s stem',
    ...{ family: darts, genotype: EVERY_OPERATION },
    options: { side: 64, channels: 4, depth: 3, family: 'imagenet' },
  },
  {
    name: 'DARTS cells with a head of hidden layers',
    ...{ family: darts, genotype: EVERY_OPERATION },
    options: { side: 16, channels: 4, depth: 3, hiddenLayers: [8, 6] },
  },
  {
    name: 'NAS-Bench-201 cells with every operation',
    family: cell,
    genotype: '|nor_conv_3x3~0|+|nor_conv_1x1~0|avg_pool_3x3~1|+|skip_connect~0|none~1|nor_conv_3x3~2|',
    options: { side: 16, channels: 4, depth: 1 },
  },
  {
    name: 'NAS-Bench-201 cells of which a node has no input',
    family: cell,
    genotype: '|none~0|+|none~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_1x1~2|',
    options: { side: 16, channels: 4, depth: 1 },
  },
]

const CLASSES = ['apple', 'pear', 'plum']
const MEAN = [0.49, 0.48, 0.44]
const STD = [0.25, 0.24, 0.26]
const BATCH = 4

/** A trained network, images as its file takes them, and the logits that our executor computes for them. */
export interface TrainedCase {
  readonly deployment: Deployment
  /** RGB intensities 0 … 1, [images, height, width, 3]. */
  readonly images: Float32Array
  readonly count: number
  /** [images, classes] */
  readonly logits: Float32Array
}

/** Trains the network of a case for some steps, drops auxiliary head and drop path, and computes its logits. */
export async function trainCase({ family, genotype, options: { side, ...options } }: Case): Promise<TrainedCase> {
  const executor = await openExecutor({ backend: 'wasm' })
  const shape = { height: side, width: side, channels: 3, classes: CLASSES.length }
  const parsed = family.parse(genotype)
  const trained = family.network(parsed, { shape, ...options })
  const state = await train(trained, executor, side)
  const { auxiliary: _, dropPath: __, ...used } = options
  const network = family.network(parsed, { shape, ...used })
  const own = stateOf(network, namedTensors(trained, state), 'the trained network')
  const images = intensities(BATCH + 1, side, 'test')
  const logits = await logitsOf(network, own, executor, images, side)
  const input = { height: side, width: side, channels: 3, classNames: CLASSES, mean: MEAN, std: STD }
  const deployment = { network, state: own, input, notes: { genotype } }
  return { deployment, images, count: BATCH + 1, logits }
}

async function train(network: Network, executor: Executor, side: number) {
  const executable = await executor.compile(network, { batchSize: BATCH })
  executable.weights.write(initialWeights(network, random(0, 'weights', 'start')))
  for (let step = 0; step < 3; step++) {
    const labels = Int32Array.from({ length: BATCH }, (_, i) => (i + step) % CLASSES.length)
    const batch = { images: normalised(intensities(BATCH, side, `step ${step}`)), labels, size: BATCH }
    const pathScales = drawPathScales(network.pathCount, BATCH, 0.3, random(0, 'drop path', step))
    const feed = network.pathCount > 0 ? { batch, pathScales } : { batch }
    const sgd = { learningRate: 0.1, momentum: 0.9, nesterov: false, weightDecay: 1e-3, clipNorm: 5 }
    await executable.step(feed, { kind: 'cross-entropy' }, sgd)
  }
  const state = await executable.save()
  executable.dispose()
  const noise = random(0, 'noise')
  const factor = () => 1 + 0.2 * (noise.uniform() - 0.5)
  const disturb = (value: number) => value * factor() + 0.01 * (1 + noise.uniform())
  return { ...state, weights: state.weights.map(disturb), statistics: state.statistics.map(disturb) }
}

async function logitsOf(
  network: Network,
  state: ReturnType<typeof stateOf>,
  executor: Executor,
  images: Float32Array,
  side: number,
): Promise<Float32Array> {
  const size = images.length / (side * side * 3)
  const executable = await executor.compile(network, { batchSize: size })
  executable.restore(state)
  const batch = { images: normalised(images), labels: new Int32Array(size), size }
  const { logits } = await executable.forward({ batch }, 'eval')
  executable.dispose()
  return logits.slice()
}

function intensities(count: number, side: number, name: string): Float32Array {
  const stream = random(0, 'images', name)
  return Float32Array.from({ length: count * side * side * 3 }, () => stream.integer(256) / 255)
}

const normalised = (images: Float32Array) => Float32Array.from(images, (value, i) => (value - MEAN[i % 3]) / STD[i % 3])

/** Images in the order [images, 3, height, width]. */
export function channelsFirst(images: Float32Array, count: number): Float32Array {
  const pixels = images.length / count / 3
  return Float32Array.from(images, (_, i) => {
    const [image, rest] = [Math.floor(i / (3 * pixels)), i % (3 * pixels)]
    return images[image * 3 * pixels + (rest % pixels) * 3 + Math.floor(rest / pixels)]
  })
}

/** Largest difference of logits relative to the largest logit of the reference. */
export function relativeDifference(found: ArrayLike<number>, expected: Float32Array): number {
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
  if (found.length !== expected.length) return Number.POSITIVE_INFINITY
  return expected.reduce((most, value, i) => Math.max(most, Math.abs(found[i] - value)), 0) / largest
}
