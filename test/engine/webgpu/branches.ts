/**
 * A network for the tests of the WebGPU plan. Equal branches of it share dispatches; other branches cannot, because a
 * value is read or normalised twice, another operation reads it too, or windows or strides differ.
 */
import type { Executable, Executor, Feed, Mode } from '../../../src/core/executor.ts'
import type { Network, ValueId } from '../../../src/core/network.ts'
import { NetworkBuilder } from '../../../src/core/networkBuilder.ts'
import { random } from '../../../src/core/random.ts'
import { initialWeights } from '../../../src/training/initialise.ts'

const TRACKED = { affine: true, track: true }
const PLAIN = { affine: false, track: false }
const CHANNELS = 6

/** Builds the network. */
export function branching(): Network {
  const builder = new NetworkBuilder({ height: 7, width: 6, channels: 3 })
  const { conv, norm, half } = layers(builder)
  const separable = (x: ValueId, kernel: number, name: string) =>
    half(builder.relu(half(builder.relu(x), kernel, `${name}.1`)), kernel, `${name}.2`)
  const stem = norm(builder.conv(builder.input, CHANNELS, { kernel: 3, padding: 1 }, 'stem'), 'stem')
  const positive = builder.relu(stem)
  const place = builder.value(stem)

  const middle = half(positive, 3, 'pooled.1') // read by a convolution and by a pooling
  const pooled = builder.pool('avgPool', middle, { kernel: 3, padding: 1 })
  const twice = conv(positive, 1, 'twice') // normalised twice, and read as it is
  const first = builder.mix(
    [
      ...[separable(stem, 3, 'a'), separable(stem, 5, 'b'), separable(stem, 3, 'c')],
      ...[half(builder.relu(middle), 3, 'pooled.2'), pooled, stem],
      ...[norm(twice, 'once'), builder.batchNorm(twice, PLAIN, 'again'), twice],
      ...[norm(conv(positive, 3, 'wide'), 'wide'), norm(conv(stem, 3, 'raw'), 'raw'), null],
    ],
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
    place,
  )
  const lone = builder.mix([norm(conv(positive, 1, 'lone'), 'lone'), null], [15, 16], place) // 0 if coefficient 15 is off
  const second = builder.mix(
    [
      norm(conv(positive, 3, 'far'), 'far'),
      norm(conv(builder.relu(first), 1, 'near'), 'near'),
      first,
      conv(lone, 3, 'on'),
    ],
    [12, 13, 14, 17],
    place,
  )
  const reduced = builder.conv(builder.relu(second), 5, { kernel: 3, stride: 2, padding: 1 }, 'reduced')
  const beside = builder.conv(builder.relu(second), 9, { kernel: 1, stride: 2 }, 'beside')
  const features = builder.concat([norm(reduced, 'reduced'), norm(beside, 'beside')])
  const logits = builder.linear(builder.globalMean(builder.relu(features)), 10, 'classifier')
  return builder.build({ name: 'branching', heads: [{ logits, lossWeight: 1 }], features })
}

function layers(builder: NetworkBuilder) {
  const conv = (x: ValueId, kernel: number, name: string) =>
    builder.conv(x, CHANNELS, { kernel, padding: (kernel - 1) / 2 }, name)
  const norm = (x: ValueId, name: string) => builder.batchNorm(x, TRACKED, `${name}.norm`)
  const half = (x: ValueId, kernel: number, name: string) =>
    norm(conv(builder.depthwiseConv(x, { kernel, padding: (kernel - 1) / 2 }, `${name}.deep`), 1, name), name)
  return { conv, norm, half }
}

/** Returns a random feed for the network. @param isActive tells for each coefficient whether its path is on */
/** Builds the network. */
export function branchingFeed(network: Network, size: number, isActive: (coefficient: number) => boolean): Feed {
  const stream = random(4, 'branching')
  const { height, width, channels } = network.values[0]
  const images = Float32Array.from({ length: size * height * width * channels }, () => 1 + stream.normal())
  const labels = Int32Array.from({ length: size }, () => stream.integer(10))
  const coefficients = Float64Array.from({ length: network.coefficientCount }, () => 0.2 + stream.uniform())
  return {
    batch: { images, labels, size },
    coefficients,
    active: Uint8Array.from(coefficients, (_, i) => +isActive(i)),
  }
}

/** Compiles the network for a batch of five, and returns its loss, gradients and running statistics for a feed. */
export async function differentiateOn(executor: Executor, network: Network, feed: Feed, mode: Mode) {
  const executable: Executable = await executor.compile(network, { batchSize: 5 })
  executable.weights.write(initialWeights(network, random(6, 'weights')))
  const weights = executable.vector()
  const { loss, coefficients } = await executable.gradient(
    feed,
    { kind: 'cross-entropy' },
    { weights, coefficients: true },
    mode,
  )
  const gradient = await weights.read()
  const { statistics } = await executable.save()
  executable.dispose()
  return { loss, coefficients, gradient, statistics }
}
