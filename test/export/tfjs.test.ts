import '@tensorflow/tfjs-backend-cpu'
import { loadGraphModel } from '@tensorflow/tfjs-converter'
import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, test } from 'vitest'
import type { SpaceFamily } from '../../src/core/space.ts'
import { graphModel } from '../../src/export/tfjs.ts'
import { dartsFamily } from '../../src/spaces/darts/index.ts'
import { cases, relativeDifference, trainCase } from './trainedNetworks.ts'

beforeAll(() => tf.setBackend('cpu'))

/** Loads a model as `tf.loadGraphModel` does from a folder. */
async function load({ json, weights }: ReturnType<typeof graphModel>) {
  const { modelTopology, weightsManifest, signature, userDefinedMetadata } = JSON.parse(json)
  const [{ paths, weights: weightSpecs }] = weightsManifest
  expect(paths).toEqual(['weights.bin'])
  const weightData = Uint8Array.from(weights).buffer
  const artifacts = { modelTopology, weightSpecs, weightData, signature, userDefinedMetadata }
  return { model: await loadGraphModel({ load: async () => artifacts }), userDefinedMetadata }
}

describe.each(cases)('the graph model of $name', (kind) => {
  test('gives the same logits in TensorFlow.js for any batch, and has the classes', async () => {
    const { deployment, images, count, logits } = await trainCase(kind)
    const { model, userDefinedMetadata } = await load(graphModel(deployment, 'weights.bin'))
    expect(userDefinedMetadata.classes).toEqual(['apple', 'pear', 'plum'])
    const { height, width } = deployment.input
    for (const size of [count, 1]) {
      const input = tf.tensor4d(images.subarray(0, size * height * width * 3), [size, height, width, 3])
      const outputs = model.execute({ images: input }, ['logits', 'probabilities']) as tf.Tensor[]
      expect(outputs.map(({ shape }) => shape)).toEqual([
        [size, 3],
        [size, 3],
      ])
      expect(relativeDifference(outputs[0].dataSync(), logits.slice(0, 3 * size))).toBeLessThan(1e-4)
      expect(tf.sum(outputs[1], 1).dataSync()[0]).toBeCloseTo(1, 5)
    }
  })
})

test('a network with noise is refused in one line', () => {
  const cell = Array.from({ length: 8 }, (_, i) => ['noise', i % 2])
  const family = dartsFamily as unknown as SpaceFamily
  const genotype = family.parse(JSON.stringify({ normal: cell, reduce: cell }))
  const shape = { height: 8, width: 8, channels: 3, classes: 2 }
  const network = family.network(genotype, { shape, channels: 4, depth: 3 })
  const input = { height: 8, width: 8, channels: 3, classNames: ['a', 'b'], mean: [0, 0, 0], std: [1, 1, 1] }
  const state = { weights: new Float32Array(1e5), statistics: new Float32Array(1e4) }
  expect(() => graphModel({ network, state, input, notes: {} }, 'w')).toThrow(/has no form in TensorFlow.js: .*noise/)
})
