/** Which normalised values are never stored, because convolutions normalise what they read. */
import { expect, test } from 'vitest'
import type { ValueId } from '../../../../src/core/network.ts'
import { NetworkBuilder } from '../../../../src/core/networkBuilder.ts'
import { lower } from '../../../../src/engine/graph/lower.ts'
import { rewrite } from '../../../../src/engine/graph/rewrite.ts'
import { planTerms } from '../../../../src/engine/webgpu/lower/termPlan.ts'

const shape = { height: 4, width: 4, channels: 4 }

/** Counts them in a network whose classifier reads what `write` computes from a normalised value. */
function count(write: (builder: NetworkBuilder, normalised: ValueId) => ValueId): number {
  const builder = new NetworkBuilder(shape)
  const normalised = builder.batchNorm(builder.input, { affine: false, track: false }, 'norm')
  const features = write(builder, normalised)
  const logits = builder.linear(builder.globalMean(features), 2, 'classifier')
  const graph = rewrite(lower(builder.build({ name: 'test', heads: [{ logits, lossWeight: 1 }], features })))
  return planTerms(graph).readThrough.size
}

const conv = (builder: NetworkBuilder, x: ValueId, name = 'conv') => builder.conv(x, 4, { kernel: 1 }, name)

test('a normalised value that only convolutions read, with or without ReLU, is not stored', () => {
  expect(count((builder, x) => conv(builder, x))).toBe(1)
  expect(count((builder, x) => conv(builder, builder.relu(x)))).toBe(1)
  expect(count((builder, x) => builder.sum([conv(builder, x, 'a'), conv(builder, x, 'b')]))).toBe(1)
})

test('a normalised value that another operation reads is stored', () => {
  expect(count((builder, x) => builder.sum([conv(builder, x), builder.relu(x)]))).toBe(0)
  expect(count((_, x) => x)).toBe(0)
})

test('a normalised value that a coefficient can switch off while its convolution runs is stored', () => {
  expect(count((builder, x) => conv(builder, builder.mix([x, null], [0, 1], shape)))).toBe(0)
})
