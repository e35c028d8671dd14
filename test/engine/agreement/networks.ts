/** Small networks that together contain every kind of layer. */
import type { Network } from '../../../src/core/network.ts'
import { NetworkBuilder } from '../../../src/core/networkBuilder.ts'
import { random } from '../../../src/core/random.ts'
import { sample } from '../../../src/core/space.ts'
import { darts, dartsS3, dartsS4 } from '../../../src/spaces/darts/index.ts'
import { nb201 } from '../../../src/spaces/nb201/index.ts'

const shape = { height: 8, width: 8, channels: 3, classes: 10 }
const frozen = { affine: false, track: false }

export const supernets: Readonly<Record<string, () => Network>> = {
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

export const discrete: Readonly<Record<string, () => Network>> = {
  'nb201 cell': () => nb201.network(sample(nb201, random(3, 'cell')), { shape, channels: 4, depth: 1 }),
  'nb201 cell with a head of four linear layers': () =>
    nb201.network(sample(nb201, random(3, 'cell')), { shape, channels: 4, depth: 1, hiddenLayers: [7, 5, 3] }),
  'DARTS evaluation network with drop path': () =>
    darts.network(sample(darts, random(5, 'cell')), { shape, channels: 2, depth: 3, dropPath: true }),
  'network of large windows, dilated and strided unevenly': uneven,
  'network of noise in channels that are no multiple of four': noisy,
}

/** A network with noise under a mixing coefficient, and noise before a convolution. */
function noisy(): Network {
  const builder = new NetworkBuilder({ height: 5, width: 4, channels: 3 })
  const stem = builder.conv(builder.input, 6, { kernel: 3, padding: 1 }, 'stem')
  const place = builder.value(stem)
  const [plain, convolved] = [builder.noise(place), builder.conv(builder.noise(place), 6, { kernel: 1 }, 'after')]
  const features = builder.mix([stem, plain, convolved, null], [0, 1, 2, 3], place)
  const logits = builder.linear(builder.globalMean(features), 4, 'classifier')
  return builder.build({ name: 'noisy', heads: [{ logits, lossWeight: 1 }], features })
}

/** A network with windows that no space has: dilated 5×5 convolutions with stride, poolings that skip pixels. */
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
