/**
 * ∂L/∂x of max pooling: each window's cotangent goes to its first largest cell in row order, as in PyTorch. (The
 * backend's own kernel takes the last of equals, and after a ReLU equals are common.)
 */
import * as tf from '@tensorflow/tfjs-core'
import { type ConvolutionAttributes, wasmKernel } from './kernel.ts'

export const maxPoolGrad = wasmKernel<ConvolutionAttributes & { filterSize: [number, number] }>(
  tf.MaxPoolGrad,
  ({ inputs: { input, dy }, attributes: { strides, pad, filterSize }, backend }) => {
    const info = tf.backend_util.computePool2DInfo(input.shape, filterSize, strides, 1, pad)
    const images = backend.typedArrayFromHeap(input) as Float32Array
    const cotangents = backend.typedArrayFromHeap(dy) as Float32Array
    return tf.tensor4d(inputGradient(images, cotangents, info), input.shape)
  },
)

function inputGradient(x: Float32Array, dy: Float32Array, info: tf.backend_util.Conv2DInfo): Float32Array {
  const { batchSize, inHeight, inWidth, inChannels, outHeight, outWidth } = info
  const gradient = new Float32Array(batchSize * inHeight * inWidth * inChannels)
  let at = 0
  for (let n = 0; n < batchSize; n++) {
    for (let i = 0; i < outHeight; i++) {
      for (let j = 0; j < outWidth; j++) {
        for (let c = 0; c < inChannels; c++) gradient[firstLargest(x, n, i, j, c, info)] += dy[at++]
      }
    }
  }
  return gradient
}

/** Flat index of the first largest real cell of window (i, j). */
function firstLargest(
  x: Float32Array,
  n: number,
  i: number,
  j: number,
  c: number,
  {
    inHeight,
    inWidth,
    inChannels,
    filterHeight,
    filterWidth,
    strideHeight,
    strideWidth,
    padInfo,
  }: tf.backend_util.Conv2DInfo,
): number {
  const top = i * strideHeight - padInfo.top
  const left = j * strideWidth - padInfo.left
  let best = -1
  for (let row = Math.max(0, top); row < Math.min(inHeight, top + filterHeight); row++) {
    for (let column = Math.max(0, left); column < Math.min(inWidth, left + filterWidth); column++) {
      const cell = ((n * inHeight + row) * inWidth + column) * inChannels + c
      if (best < 0 || x[cell] > x[best]) best = cell
    }
  }
  return best
}
