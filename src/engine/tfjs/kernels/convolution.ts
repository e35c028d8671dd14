/**
 * Gradients of convolutions as convolutions, which the backend does fast.
 *
 * With y[n,i,j,o] = Σ x[n, s·i + u − p, s·j + v − p, c]·f[u,v,c,o]:
 *   ∂L/∂f[u,v,c,o] = Σ_{n,i,j} x[n, u + s·i − p, …, c]·dy[n,i,j,o]: batch and channels of x exchanged, dy as the filter,
 *   the stride as its dilation;
 *   ∂L/∂x[n,h,w,c] = Σ dy↑[n, h + p − u, …, o]·f[u,v,c,o]: dy with s − 1 zeros between its cells, f turned by 180°.
 */
import * as tf from '@tensorflow/tfjs-core'
import { firstCells, interleaveZeros } from './interleaveZeros.ts'
import { type ConvolutionAttributes, convolve, type Margins, wasmKernel } from './kernel.ts'

type Shape4 = [number, number, number, number]

export const conv2dBackpropFilter = wasmKernel<ConvolutionAttributes & { filterShape: Shape4 }>(
  tf.Conv2DBackpropFilter,
  ({ inputs: { x, dy }, attributes: { strides, pad, filterShape } }) => {
    const { padInfo, outHeight, outWidth } = tf.backend_util.computeConv2DInfo(x.shape, filterShape, strides, 1, pad)
    const [kernelHeight, kernelWidth] = filterShape
    const margins = {
      rows: marginsFor(x.shape[1], (outHeight - 1) * strides[0] + 1, kernelHeight, padInfo.top),
      columns: marginsFor(x.shape[2], (outWidth - 1) * strides[1] + 1, kernelWidth, padInfo.left),
    }
    const images = tf.transpose(x, [3, 1, 2, 0]) // [in, height, width, batch]
    const filter = tf.transpose(dy, [1, 2, 0, 3]) // [height, width, batch, out]
    const gradient = convolve(tf.Conv2D, images, filter, margins, strides) // [in, ≥ kernel, ≥ kernel, out]
    return tf.transpose(firstCells(gradient, kernelHeight, kernelWidth), [1, 2, 0, 3])
  },
)

export const conv2dBackpropInput = wasmKernel<ConvolutionAttributes & { inputShape: Shape4 }>(
  tf.Conv2DBackpropInput,
  ({ inputs: { dy, filter }, attributes: { strides, pad, inputShape } }) => {
    const turned = tf.transpose(tf.reverse(filter, [0, 1]), [0, 1, 3, 2])
    const cells = interleaveZeros(dy, strides)
    return convolve(tf.Conv2D, cells, turned, inputMargins(cells, filter, strides, pad, inputShape))
  },
)

export const depthwiseBackpropInput = wasmKernel<ConvolutionAttributes & { inputShape: Shape4 }>(
  tf.DepthwiseConv2dNativeBackpropInput,
  ({ inputs: { dy, filter }, attributes: { strides, pad, inputShape } }) => {
    const cells = interleaveZeros(dy, strides)
    const margins = inputMargins(cells, filter, strides, pad, inputShape)
    return convolve(tf.DepthwiseConv2dNative, cells, tf.reverse(filter, [0, 1]), margins)
  },
)

/** So that a filter of `span` cells gives at least `outputs` windows, the first one `before` cells early. */
const marginsFor = (extent: number, span: number, outputs: number, before: number): [number, number] => [
  before,
  Math.max(0, outputs + span - 1 - extent - before),
]

function inputMargins(
  cells: tf.Tensor4D,
  filter: tf.Tensor4D,
  strides: [number, number],
  pad: 'same' | 'valid',
  inputShape: Shape4,
): Margins {
  const [kernelHeight, kernelWidth] = filter.shape
  const { padInfo } = tf.backend_util.computeConv2DInfo(inputShape, filter.shape, strides, 1, pad)
  return {
    rows: marginsFor(cells.shape[1], kernelHeight, inputShape[1], kernelHeight - 1 - padInfo.top),
    columns: marginsFor(cells.shape[2], kernelWidth, inputShape[2], kernelWidth - 1 - padInfo.left),
  }
}
