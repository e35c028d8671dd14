import { expect, test } from 'vitest'
import { NetworkBuilder } from '../../../src/core/networkBuilder.ts'
import { inLevels } from '../../../src/engine/graph/inLevels.ts'
import { lower } from '../../../src/engine/graph/lower.ts'

test('branches that are equally deep stand beside each other, behind what they read and in the order they had', () => {
  const builder = new NetworkBuilder({ height: 4, width: 4, channels: 4 })
  const branch = (depth: number): number =>
    depth === 0 ? builder.input : builder.conv(builder.relu(branch(depth - 1)), 4, { kernel: 1 }, `${depth}`)
  const features = builder.sum([branch(2), branch(1), branch(2)])
  const logits = builder.linear(builder.globalMean(features), 2, 'classifier')
  const graph = lower(builder.build({ name: 'levels', heads: [{ logits, lossWeight: 1 }], features }))
  const kinds = inLevels(graph).operations.map(({ kind }) => kind)
  expect(kinds).toEqual([
    ...['relu', 'convolve', 'convolve', 'convolve', 'relu', 'relu', 'convolve', 'convolve'],
    ...['combine', 'globalMean', 'convolve', 'bias'],
  ])
})
