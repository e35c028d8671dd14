/** Small networks whose results can be checked by hand. */
import type { Batch } from '../../../src/core/data.ts'
import { flattenMixing, type Matrix } from '../../../src/core/mixing.ts'
import type { Network, ValueId } from '../../../src/core/network.ts'
import { NetworkBuilder } from '../../../src/core/networkBuilder.ts'
import { type RandomStream, random } from '../../../src/core/random.ts'
import { nb201 } from '../../../src/spaces/nb201/index.ts'

export const shape = { height: 8, width: 8, channels: 3, classes: 10 }

/** Returns a NAS-Bench-201 search network whose batch normalisations keep running statistics. */
export const searchNetwork = (): Network =>
  nb201.supernet({ shape, channels: 4, depth: 1, batchNorm: { affine: true, track: true } })

/**
 * Returns a network of two nodes with mixed edges, edge weights and no ReLU: its loss is smooth in all 8 coefficients.
 */
export function smoothNetwork(): Network {
  const builder = new NetworkBuilder(shape)
  const candidates = (x: ValueId, name: string) => [
    null,
    x,
    builder.batchNorm(builder.conv(x, 4, { kernel: 3, padding: 1 }, `${name}.conv`), FROZEN, `${name}.bn`),
    builder.pool('avgPool', x, { kernel: 3, padding: 1 }),
  ]
  const stem = builder.conv(builder.input, 4, { kernel: 3, padding: 1 }, 'stem')
  const place = builder.value(stem)
  const first = builder.mix(candidates(stem, 'first'), [0, 1, 2, 3], place)
  const second = builder.mix(candidates(first, 'second'), [0, 1, 2, 3], place)
  const features = builder.mix([stem, first, second, first], [4, 5, 6, 7], place)
  const logits = builder.linear(builder.globalMean(features), shape.classes, 'classifier')
  return builder.build({ name: 'smooth', heads: [{ logits, lossWeight: 1 }], features })
}

const FROZEN = { affine: false, track: false }

/** Returns a batch of normally distributed images with uniform labels. */
export function randomBatch(size: number, ...path: (string | number)[]): Batch {
  const stream = random(0, ...path)
  return {
    images: Float32Array.from({ length: size * shape.height * shape.width * shape.channels }, () => stream.normal()),
    labels: Int32Array.from({ length: size }, () => stream.integer(shape.classes)),
    size,
  }
}

/** Returns random positive mixing weights of all operations on all edges. */
export const randomTheta = (stream: RandomStream): Matrix =>
  nb201.edges.map(({ operations }) => operations.map(() => 0.1 + stream.uniform()))

export const coefficientsOf = (theta: Matrix): Float64Array => flattenMixing({ theta })

/** Returns a network whose logits are its image, [batch, 1, 1, classes]: a linear layer with weight I and bias 0. */
export function readout(classes: number): { readonly network: Network; readonly weights: Float32Array } {
  const builder = new NetworkBuilder({ height: 1, width: 1, channels: classes })
  const logits = builder.linear(builder.input, classes, 'readout')
  const weights = new Float32Array(classes * classes + classes)
  for (let i = 0; i < classes; i++) weights[i * classes + i] = 1
  return {
    network: builder.build({ name: 'readout', heads: [{ logits, lossWeight: 1 }], features: builder.input }),
    weights,
  }
}
