/** Compares each kernel added to the TensorFlow backend with the same function on the plain JavaScript backend. */
import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { initialiseBackend } from '../../../../src/engine/tfjs/index.ts'
import {
  BATCH_NORM,
  BATCH_NORM_GRADIENT,
  fusedKernel,
  RELU_GRADIENT,
} from '../../../../src/engine/tfjs/kernels/tensorflow.ts'
import { tensorflowPackage } from '../../../../src/engine/tfjs/packages.ts'
import { relativeError } from '../../../fixtures/golden.ts'

const EPSILON = 1e-5
const shape = [5, 6, 7, 4]
const cells = 5 * 6 * 7

const normal = (size: number[], seed: number) => tf.randomNormal(size, 0.5, 2, 'float32', seed)
const sumOverCells = (x: tf.Tensor) => tf.sum(x, [0, 1, 2])

describe.skipIf(tensorflowPackage() === undefined)('where @tensorflow/tfjs-node is installed', () => {
  beforeAll(async () => {
    await initialiseBackend('cpu')
    await initialiseBackend('tensorflow')
  })

  it('computes the gradient of a ReLU from its output', () => {
    const composed = () => [tf.mul(normal(shape, 1), tf.step(tf.relu(normal(shape, 2))))]
    const fused = () => fusedKernel(RELU_GRADIENT)?.({ dy: normal(shape, 1), y: tf.relu(normal(shape, 2)) }) ?? []
    expectEqual(fused, composed)
  })

  it('normalises a batch, and returns its mean and unbiased variance', () => {
    const inputs = () => ({ x: normal(shape, 3), scale: normal([4], 4), shift: normal([4], 5) })
    const composed = () => {
      const { x, scale, shift } = inputs()
      const { mean, variance } = tf.moments(x, [0, 1, 2])
      return [tf.batchNorm(x, mean, variance, shift, scale, EPSILON), mean, tf.mul(variance, cells / (cells - 1))]
    }
    expectEqual(() => fusedKernel(BATCH_NORM)?.(inputs(), { epsilon: EPSILON }) ?? [], composed)
  })

  it('differentiates the normalisation of a batch', () => {
    const inputs = () => {
      const x = normal(shape, 6)
      return { dy: normal(shape, 7), x, scale: normal([4], 8), ...tf.moments(x, [0, 1, 2]) }
    }
    const composed = () => {
      const { dy, x, scale, mean, variance } = inputs()
      const slope = tf.rsqrt(tf.add(variance, EPSILON))
      const normalised = tf.mul(tf.sub(x, mean), slope)
      const [gradScale, gradShift] = [sumOverCells(tf.mul(dy, normalised)), sumOverCells(dy)]
      const projected = tf.add(tf.mul(normalised, tf.div(gradScale, cells)), tf.div(gradShift, cells))
      return [tf.mul(tf.sub(dy, projected), tf.mul(slope, scale)), gradScale, gradShift]
    }
    expectEqual(() => fusedKernel(BATCH_NORM_GRADIENT)?.(inputs(), { epsilon: EPSILON }) ?? [], composed)
  })
})

function expectEqual(fused: () => tf.Tensor[], composed: () => tf.Tensor[]): void {
  const [ours, theirs] = [valuesOn('tensorflow', fused), valuesOn('cpu', composed)]
  expect(ours.length).toBe(theirs.length)
  ours.forEach((values, i) => {
    expect(relativeError(values, theirs[i])).toBeLessThan(1e-5)
  })
}

function valuesOn(backend: string, f: () => tf.Tensor[]): tf.TypedArray[] {
  tf.setBackend(backend)
  return f().map((tensor) => tensor.dataSync())
}
