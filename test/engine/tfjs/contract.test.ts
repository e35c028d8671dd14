/** Tests the TensorFlow.js executor on WebAssembly against the contract of executors, and that it leaks no tensors. */
import * as tf from '@tensorflow/tfjs-core'
import { describe, expect, it } from 'vitest'
import { random } from '../../../src/core/random.ts'
import { openTfjsExecutor } from '../../../src/engine/tfjs/index.ts'
import { initialWeights } from '../../../src/training/initialise.ts'
import { full } from '../../support/full.ts'
import { describeExecutorContract } from '../contract/index.ts'
import { describeObservedActivations } from '../contract/observed.ts'
import { coefficientsOf, randomBatch, randomTheta, searchNetwork } from '../contract/smallNetworks.ts'

const open = () => openTfjsExecutor('wasm')

describeExecutorContract(open)
describeObservedActivations(open)

describe('memory', () => {
  it('does not grow over many steps, and is freed on disposal', async () => {
    const executor = await open()
    const before = tf.memory().numTensors
    const network = searchNetwork()
    const executable = await executor.compile(network, { batchSize: 4 })
    executable.weights.write(initialWeights(network, random(0, 'weights')))
    const feed = { batch: randomBatch(4, 'leak'), coefficients: coefficientsOf(randomTheta(random(0, 'theta'))) }
    const active = Uint8Array.from({ length: 36 }, (_, i) => (i % 5 === 3 || i >= 30 ? 1 : 0))
    const sgd = { learningRate: 0.01, momentum: 0.9, nesterov: true, weightDecay: 1e-4, clipNorm: 1 }
    const gradient = executable.vector()
    const once = async () => {
      await executable.step(feed, { kind: 'cross-entropy' }, sgd)
      await executable.step({ ...feed, active }, { kind: 'cross-entropy', labelSmoothing: 0.1 }, sgd)
      await executable.gradient(feed, { kind: 'cross-entropy' }, { coefficients: true, weights: gradient }, 'train')
      await executable.evaluate([feed], 'eval')
      await executable.forward(feed, 'probe')
      await executable.takeTally()
    }
    await once()
    const { numTensors, numBytes } = tf.memory()
    for (let i = 0; i < (full ? 25 : 5); i++) await once()
    expect(tf.memory()).toMatchObject({ numTensors, numBytes })
    gradient.dispose()
    executable.dispose()
    expect(tf.memory().numTensors).toBe(before)
  })
})
