/** Which normalised values are never stored. */
import { expect, test } from 'vitest'
import type { ValueId } from '../../../../../src/core/network.ts'
import { NetworkBuilder } from '../../../../../src/core/networkBuilder.ts'
import { lower } from '../../../../../src/engine/graph/lower.ts'
import { rewrite } from '../../../../../src/engine/graph/rewrite.ts'
import { findReadThrough } from '../../../../../src/engine/webgpu/lower/terms/readThrough.ts'
import { placeTerms } from '../../../../../src/engine/webgpu/lower/terms/termPlaces.ts'

const shape = { height: 4, width: 4, channels: 4 }

/** How many, where what `write` makes of a normalised value is what the classifier reads. */
function count(write: (builder: NetworkBuilder, normalised: ValueId) => ValueId): number {
  const builder = new NetworkBuilder(shape)
  const normalised = builder.batchNorm(builder.input, { affine: false, track: false }, 'norm')
  const features = write(builder, normalised)
  const logits = builder.linear(builder.globalMean(features), 2, 'classifier')
  const graph = rewrite(lower(builder.build({ name: 'test', heads: [{ logits, lossWeight: 1 }], features })))
  return findReadThrough(graph, placeTerms(graph)).size
}

const conv = (builder: NetworkBuilder, x: ValueId, name = 'conv') => builder.conv(x, 4, { kernel: 1 }, name)

test('those that only convolutions read, through ReLU or not', () => {
  expect(count((builder, x) => conv(builder, x))).toBe(1)
  expect(count((builder, x) => conv(builder, builder.relu(x)))).toBe(1)
  expect(count((builder, x) => builder.sum([conv(builder, x, 'a'), conv(builder, x, 'b')]))).toBe(1)
})

test('not those that something else reads, too', () => {
  expect(count((builder, x) => builder.sum([conv(builder, x), builder.relu(x)]))).toBe(0)
  expect(count((_, x) => x)).toBe(0)
})

test('not those that a coefficient can switch off while the convolution stays', () => {
  expect(count((builder, x) => conv(builder, builder.mix([x, null], [0, 1], shape)))).toBe(0)
})
