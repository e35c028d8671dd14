/** An executor against the TensorFlow.js one on WebAssembly, on networks of every layer kind. */
import { beforeAll, describe, expect, it } from 'vitest'
import type { ExecutableState, Executor, Feed, Mode, Objective, SgdStep } from '../../../src/core/executor.ts'
import type { Network } from '../../../src/core/network.ts'
import { NetworkBuilder } from '../../../src/core/networkBuilder.ts'
import { random } from '../../../src/core/random.ts'
import { sample } from '../../../src/core/space.ts'
import { initialWeights } from '../../../src/engine/initialise.ts'
import { openTfjsExecutor } from '../../../src/engine/tfjs/executor.ts'
import { darts, dartsS3, dartsS4 } from '../../../src/spaces/darts/index.ts'
import { nb201 } from '../../../src/spaces/nb201/index.ts'
import { relativeError } from '../../fixtures/golden.ts'
import type { DeclareTest } from '../golden/declareTest.ts'

/** Relative. Statistics over the few values of so small images amplify rounding; the golden figures hold tighter ones. */
const TOLERANCE = 5e-4
const SGD: SgdStep = { learningRate: 0.05, momentum: 0.9, nesterov: true, weightDecay: 3e-4, clipNorm: 1 }
const CROSS_ENTROPY: Objective = { kind: 'cross-entropy' }
const shape = { height: 8, width: 8, channels: 3, classes: 10 }
const frozen = { affine: false, track: false }

const supernets: Readonly<Record<string, () => Network>> = {
  'nb201 search network': () => nb201.supernet({ shape, channels: 4, depth: 1, batchNorm: frozen }),
  'nb201 search network with tracked, affine normalisation on narrow images': () =>
    nb201.supernet({
      shape: { height: 12, width: 4, channels: 1, classes: 3 },
      channels: 3,
      depth: 1,
      batchNorm: { affine: true, track: true },
    }),
  'nb201 search network with partial channels': () =>
    nb201.supernet({ shape, channels: 8, depth: 1, partialChannels: 4, batchNorm: frozen }),
  'DARTS search network': () => darts.supernet({ shape, channels: 4, depth: 3, batchNorm: frozen }),
  'DARTS search network with partial channels': () =>
    darts.supernet({ shape, channels: 4, depth: 3, partialChannels: 2, batchNorm: frozen }),
  'DARTS search network whose edges can be dropped': () =>
    dartsS3.supernet({ shape, channels: 4, depth: 3, dropPath: 0.2, batchNorm: frozen }),
  'DARTS search network with noise in channels that are no multiple of four': () =>
    dartsS4.supernet({ shape, channels: 6, depth: 3, batchNorm: frozen }),
}

const discrete: Readonly<Record<string, () => Network>> = {
  'nb201 cell': () => nb201.network(sample(nb201, random(3, 'cell')), { shape, channels: 4, depth: 1 }),
  'DARTS evaluation network with drop path': () =>
    darts.network(sample(darts, random(5, 'cell')), { shape, channels: 2, depth: 3, dropPath: true }),
  'network of large windows, dilated and strided unevenly': uneven,
  'network of noise in channels that are no multiple of four': noisy,
}

/** Noise that is weighed, and noise that passes a convolution. */
function noisy(): Network {
  const builder = new NetworkBuilder({ height: 5, width: 4, channels: 3 })
  const stem = builder.conv(builder.input, 6, { kernel: 3, padding: 1 }, 'stem')
  const place = builder.value(stem)
  const [plain, convolved] = [builder.noise(place), builder.conv(builder.noise(place), 6, { kernel: 1 }, 'after')]
  const features = builder.mix([stem, plain, convolved, null], [0, 1, 2, 3], place)
  const logits = builder.linear(builder.globalMean(features), 4, 'classifier')
  return builder.build({ name: 'noisy', heads: [{ logits, lossWeight: 1 }], features })
}

/** Windows that no space has: 5×5 dilated convolutions with stride, pooling that leaves cells out. */
function uneven(): Network {
  const builder = new NetworkBuilder({ height: 11, width: 13, channels: 2 })
  const options = { affine: true, track: true }
  const stem = builder.conv(builder.input, 6, { kernel: 5, stride: 2, padding: 3, dilation: 2 }, 'stem')
  const deep = builder.depthwiseConv(builder.relu(stem), { kernel: 5, stride: 2, padding: 4, dilation: 2 }, 'deep')
  const wide = builder.conv(builder.relu(stem), 6, { kernel: 1, stride: 2 }, 'wide')
  const pooled = builder.pool('maxPool', stem, { kernel: 3, stride: 2, padding: 1 })
  const sum = builder.sum([builder.batchNorm(deep, options, 'norm'), wide, pooled])
  const features = builder.relu(builder.concat([builder.slice(sum, 1, 3), builder.shuffle(sum, 2)]))
  const logits = builder.linear(features, 4, 'classifier')
  return builder.build({ name: 'uneven', heads: [{ logits, lossWeight: 1 }], features })
}

function feedFor(network: Network, size: number, name = 'feed'): Feed {
  const stream = random(1, name, network.name)
  const { height, width, channels } = network.values[0]
  const images = Float32Array.from({ length: size * height * width * channels }, () => stream.normal())
  const labels = Int32Array.from({ length: size }, () => stream.integer(network.classes))
  const coefficients = Float64Array.from({ length: network.coefficientCount }, () => stream.uniform())
  const pathScales = Float32Array.from({ length: network.pathCount * size }, () => (stream.integer(4) > 0 ? 4 / 3 : 0))
  return { batch: { images, labels, size }, coefficients, pathScales }
}

interface Request {
  readonly feed: Feed
  readonly batchSize?: number
  readonly objective?: Objective
  readonly mode?: Mode
}

/** Weights, momentum and running statistics that are nobody's initial ones. */
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

async function run(executor: Executor, network: Network, request: Request) {
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

/** Compares everything that comes out, and the state after a step. */
async function agree(ours: Executor, reference: Executor, network: Network, request: Request): Promise<void> {
  const found = await run(ours, network, request)
  const expected = await run(reference, network, request)
  expect(Math.abs(found.loss - expected.loss)).toBeLessThan(TOLERANCE * Math.max(1, Math.abs(expected.loss)))
  expect(found).toMatchObject({ correct: expected.correct, correct5: expected.correct5, samples: expected.samples })
  for (const part of ['logits', 'features', 'gradient', 'weights', 'momentum', 'statistics'] as const) {
    expect(relativeError(found[part], expected[part]), part).toBeLessThan(TOLERANCE)
  }
  expect(relativeError(found.coefficients ?? [], expected.coefficients ?? []), 'coefficients').toBeLessThan(TOLERANCE)
}

/** The reference takes long on DARTS networks. */
const quick = ([name]: readonly [string, unknown]) => !name.startsWith('DARTS')

/** @param check declares a test: `it`, or what leaves out some where a device is too slow for all */
export function describeAgreement(open: () => Promise<Executor>, check: DeclareTest = it): void {
  let ours: Executor
  let reference: Executor

  beforeAll(async () => {
    ours = await open()
    reference = await openTfjsExecutor('wasm')
  })

  describe('everything that TensorFlow.js gives', () => {
    for (const [name, build] of Object.entries({ ...supernets, ...discrete })) {
      check(`${name}: loss, outputs, gradients and step`, async () => {
        const network = build()
        await agree(ours, reference, network, { feed: feedFor(network, 3) })
      })
    }

    for (const [name, build] of Object.entries({ ...supernets, ...discrete }).filter(quick)) {
      check(`${name}: at a batch smaller than it was compiled for, with label smoothing`, async () => {
        const network = build()
        const objective = { kind: 'cross-entropy', labelSmoothing: 0.1 } as const
        await agree(ours, reference, network, { feed: feedFor(network, 2), batchSize: 3, objective })
      })

      check(`${name}: with running statistics`, async () => {
        const network = build()
        await agree(ours, reference, network, { feed: feedFor(network, 3), mode: 'eval' })
      })

      check(`${name}: the gradient of given logits`, async () => {
        const network = build()
        const stream = random(7, 'cotangent')
        const cotangent = Float32Array.from({ length: 3 * network.classes }, () => stream.normal())
        const objective = { kind: 'logits', cotangent } as const
        await agree(ours, reference, network, { feed: feedFor(network, 3), objective, mode: 'probe' })
      })
    }

    for (const [name, build] of Object.entries(supernets)) {
      check(`${name}: where only some paths are active`, async () => {
        const network = build()
        const stream = random(11, 'active')
        const active = Uint8Array.from({ length: network.coefficientCount }, () => stream.integer(2))
        await agree(ours, reference, network, { feed: { ...feedFor(network, 2), active } })
      })
    }
  })
}
