/** ∂L/∂f[u,v,c] = Σ_{n,i,j} x[n, s·i + u − p, s·j + v − p, c]·dy[n,i,j,c], summed in double precision. */
import * as tf from '@tensorflow/tfjs-core'
import { type ConvolutionAttributes, wasmKernel } from './kernel.ts'

type Shape4 = [number, number, number, number]

export const depthwiseBackpropFilter = wasmKernel<ConvolutionAttributes & { filterShape: Shape4 }>(
  tf.DepthwiseConv2dNativeBackpropFilter,
  ({ inputs: { x, dy }, attributes: { strides, pad, filterShape }, backend }) => {
    const info = tf.backend_util.computeConv2DInfo(x.shape, filterShape, strides, 1, pad, undefined, true)
    const images = backend.typedArrayFromHeap(x) as Float32Array
    const cotangents = backend.typedArrayFromHeap(dy) as Float32Array
    return tf.tensor4d(filterGradient(images, cotangents, info), filterShape)
  },
)

function filterGradient(x: Float32Array, dy: Float32Array, info: tf.backend_util.Conv2DInfo): Float32Array {
  const { filterHeight, filterWidth, inChannels } = info
  const gradient = new Float32Array(filterHeight * filterWidth * inChannels)
  const sums = new Float64Array(inChannels)
  for (let u = 0; u < filterHeight; u++) {
    for (let v = 0; v < filterWidth; v++) {
      sums.fill(0)
      addTap(x, dy, u, v, sums, info)
      gradient.set(sums, (u * filterWidth + v) * inChannels)
    }
  }
  return gradient
}

/** Adds what tap (u, v) saw of every channel. */
function addTap(
  x: Float32Array,
  dy: Float32Array,
  u: number,
  v: number,
  sums: Float64Array,
  info: tf.backend_util.Conv2DInfo,
): void {
  const { batchSize, inHeight, inWidth, inChannels, outHeight, outWidth, strideHeight, strideWidth, padInfo } = info
  const firstColumn = Math.max(0, Math.ceil((padInfo.left - v) / strideWidth))
  const lastColumn = Math.min(outWidth - 1, Math.floor((inWidth - 1 + padInfo.left - v) / strideWidth))
  for (let n = 0; n < batchSize; n++) {
    for (let i = 0; i < outHeight; i++) {
      const row = i * strideHeight + u - padInfo.top
      if (row < 0 || row >= inHeight) continue
      for (let j = firstColumn; j <= lastColumn; j++) {
        const from = ((n * inHeight + row) * inWidth + j * strideWidth + v - padInfo.left) * inChannels
        const at = ((n * outHeight + i) * outWidth + j) * inChannels
        for (let c = 0; c < inChannels; c++) sums[c] += x[from + c] * dy[at + c]
      }
    }
  }
}
