/** Compares each kernel added to the WebAssembly backend with the plain JavaScript backend's kernel. */
import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { initialiseBackend } from '../../../../src/engine/tfjs/index.ts'
import { relativeError } from '../../../fixtures/golden.ts'

interface Geometry {
  readonly name: string
  readonly height: number
  readonly width: number
  readonly kernel: number
  readonly stride: number
  readonly pad: 'same' | 'valid'
}

const geometries: readonly Geometry[] = [
  { name: '3×3, same', height: 6, width: 5, kernel: 3, stride: 1, pad: 'same' },
  { name: '1×1', height: 4, width: 4, kernel: 1, stride: 1, pad: 'valid' },
  { name: '1×1, stride 2', height: 5, width: 6, kernel: 1, stride: 2, pad: 'valid' },
  { name: '3×3, stride 2 that leaves a column out', height: 7, width: 8, kernel: 3, stride: 2, pad: 'valid' },
  { name: '5×5, same', height: 6, width: 7, kernel: 5, stride: 1, pad: 'same' },
  { name: '5×5, stride 2, same', height: 8, width: 9, kernel: 5, stride: 2, pad: 'same' },
  { name: '2×2 that covers everything', height: 2, width: 2, kernel: 2, stride: 1, pad: 'valid' },
  { name: '5×5, stride 3', height: 8, width: 8, kernel: 5, stride: 3, pad: 'valid' },
]

const normal = (shape: number[], seed: number) => tf.randomNormal(shape, 0, 1, 'float32', seed)

/** Returns the kernel's result on both backends. */
function onBoth(kernel: string, inputs: () => tf.NamedTensorMap, attributes: object): [tf.TypedArray, tf.TypedArray] {
  const run = (backend: string) => {
    tf.setBackend(backend)
    return tf.engine().runKernel(kernel, inputs(), attributes as tf.NamedAttrMap) as tf.Tensor
  }
  const [ours, theirs] = [run('wasm').dataSync(), run('cpu').dataSync()]
  return [ours, theirs]
}

beforeAll(async () => {
  await initialiseBackend('cpu')
  await initialiseBackend('wasm')
})

describe.each(geometries)('$name', ({ height, width, kernel, stride, pad }) => {
  const x = [3, height, width, 4]
  const output = (depthwise: boolean) =>
    tf.backend_util.computeConv2DInfo(
      x as [number, number, number, number],
      [kernel, kernel, 4, depthwise ? 1 : 6],
      stride,
      1,
      pad,
      undefined,
      depthwise,
    ).outShape
  const attributes = { strides: [stride, stride], pad, dataFormat: 'NHWC', dilations: [1, 1] }

  it.each([
    ['full', tf.Conv2DBackpropFilter, tf.Conv2DBackpropInput, 6],
    ['depthwise', tf.DepthwiseConv2dNativeBackpropFilter, tf.DepthwiseConv2dNativeBackpropInput, 1],
  ] as const)('gives the gradients of a %s convolution', (family, filterKernel, inputKernel, multiplicity) => {
    const dy = () => normal(output(family === 'depthwise'), 2)
    const filterShape = [kernel, kernel, 4, multiplicity]
    const filterGradient = onBoth(filterKernel, () => ({ x: normal(x, 1), dy: dy() }), { ...attributes, filterShape })
    expect(relativeError(...filterGradient)).toBeLessThan(1e-5)
    const inputs = () => ({ dy: dy(), filter: normal(filterShape, 3) })
    const inputGradient = onBoth(inputKernel, inputs, { ...attributes, inputShape: x })
    expect(relativeError(...inputGradient)).toBeLessThan(1e-5)
  })

  it('computes the gradient of max pooling with many equal entries', () => {
    const window = { filterSize: [kernel, kernel], strides: [stride, stride], pad }
    const inputs = () => {
      const input = tf.relu(normal(x, 4))
      const pooled = tf.maxPool(input as tf.Tensor4D, kernel, stride, pad)
      return { dy: normal(pooled.shape, 5), input, output: pooled }
    }
    const [ours] = onBoth(tf.MaxPoolGrad, inputs, window)
    tf.setBackend('cpu')
    const { dy, input } = inputs()
    expect(relativeError(ours, firstLargestGradient(input, dy, { height, width, kernel, stride, pad }))).toBeLessThan(
      1e-6,
    )
  })
})

describe('sums', () => {
  it.each([
    ['all axes', undefined],
    ['the leading axis', 0],
    ['the leading axes', [0, 1]],
    ['the last axis', 2],
    ['axes in between', [0, 2]],
  ])('over %s are those of the plain backend', (_, axis) => {
    const axes = tf.util.parseAxisParam(axis ?? [0, 1, 2], [5, 4, 3])
    for (const keepDims of [false, true]) {
      const [ours, theirs] = onBoth(tf.Sum, () => ({ x: normal([5, 4, 3], 6) }), { axis: axes, keepDims })
      expect(relativeError(ours, theirs)).toBeLessThan(1e-6)
    }
  })

  it('are exact over a million terms', () => {
    tf.setBackend('wasm')
    const [total] = tf.sum(tf.fill([1_000_000], 0.1)).dataSync()
    expect(Math.abs(total / (1_000_000 * Math.fround(0.1)) - 1)).toBeLessThan(1e-7)
  })
})

/** Computes the gradient of max pooling directly: each window's cotangent goes to its first largest pixel. */
function firstLargestGradient(input: tf.Tensor, dy: tf.Tensor, window: Omit<Geometry, 'name'>): Float32Array {
  const { kernel, stride, pad } = window
  const shape = input.shape as [number, number, number, number]
  const { padInfo } = tf.backend_util.computePool2DInfo(shape, kernel, stride, 1, pad)
  const [batch, height, width, channels] = shape
  const values = input.dataSync()
  const gradient = new Float32Array(values.length)
  const [, rows, columns] = dy.shape as number[]
  dy.dataSync().forEach((cotangent, at) => {
    const c = at % channels
    const j = Math.floor(at / channels) % columns
    const i = Math.floor(at / channels / columns) % rows
    const n = Math.floor(at / channels / columns / rows) % batch
    let best: number | undefined
    for (let u = 0; u < kernel * kernel; u++) {
      const row = i * stride - padInfo.top + Math.floor(u / kernel)
      const column = j * stride - padInfo.left + (u % kernel)
      if (row < 0 || row >= height || column < 0 || column >= width) continue
      const cell = ((n * height + row) * width + column) * channels + c
      if (best === undefined || values[cell] > values[best]) best = cell
    }
    if (best !== undefined) gradient[best] += cotangent
  })
  return gradient
}
