/**
 * Kernels that TensorFlow.js' WebAssembly backend lacks (gradients of convolutions) or computes inexactly (max pooling
 * with equal entries, long sums in single precision).
 *
 * The gradients of a convolution y[n,i,j,o] = Σ x[n, s·i + u − p, s·j + v − p, c]·f[u,v,c,o] (input x, filter f, stride
 * s, padding p) are convolutions themselves:
 *   ∂L/∂f[u,v,c,o] = Σ_{n,i,j} x[n, u + s·i − p, …, c]·dy[n,i,j,o]: batch and channels of x exchanged, dy as the
 *   filter, the stride as its dilation;
 *   ∂L/∂x[n,h,w,c] = Σ dy↑[n, h + p − u, …, o]·f[u,v,c,o]: dy with s − 1 zeros between its pixels, f turned by 180°.
 */
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm'
import * as tf from '@tensorflow/tfjs-core'
import { getKernel, type KernelConfig, registerKernel, Sum, unregisterKernel } from '@tensorflow/tfjs-core'
import { firstCells, interleaveZeros } from './interleaveZeros.ts'

/** The arguments of a TensorFlow.js kernel: input tensors by name, and attributes such as stride and padding. */
export interface KernelCall<Attributes> {
  readonly inputs: Readonly<Record<string, tf.Tensor4D>>
  readonly attributes: Attributes
  readonly backend: BackendWasm
}

/** Attributes of the gradient kernels of convolutions and poolings, named as in TensorFlow.js. */
export interface ConvolutionAttributes {
  readonly strides: [number, number]
  readonly pad: 'same' | 'valid'
}

/**
 * Returns the registration of a kernel for the WebAssembly backend. The kernel may call other kernels; its temporary
 * tensors are freed.
 */
export function wasmKernel<Attributes>(
  kernelName: string,
  compute: (call: KernelCall<Attributes>) => tf.Tensor,
): tf.KernelConfig {
  return {
    kernelName,
    backendName: 'wasm',
    kernelFunc: ({ inputs, attrs, backend }) =>
      tf.tidy(() =>
        compute({
          inputs: inputs as Record<string, tf.Tensor4D>,
          attributes: attrs as unknown as Attributes,
          backend: backend as BackendWasm,
        }),
      ),
  }
}

/** Zero padding of an image: the numbers of zero pixels [above, below] its rows, and [left, right] of its columns. */
export interface Margins {
  readonly rows: [number, number]
  readonly columns: [number, number]
}

/**
 * Runs a convolution kernel with stride 1, the given zero padding and the given dilations [rows, columns].
 */
export function convolve(
  kernelName: typeof tf.Conv2D | typeof tf.DepthwiseConv2dNative,
  x: tf.Tensor4D,
  filter: tf.Tensor4D,
  { rows, columns }: Margins,
  dilations: [number, number] = [1, 1],
): tf.Tensor4D {
  const attributes = { strides: [1, 1], pad: [[0, 0], rows, columns, [0, 0]], dilations, dataFormat: 'NHWC' }
  return tf.engine().runKernel(kernelName, { x, filter }, attributes as unknown as tf.NamedAttrMap) as tf.Tensor4D
}

type Shape4 = [number, number, number, number]

/** Registration of the kernel that computes the filter gradient of a convolution, ∂L/∂f. */
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

/** Registration of the kernel that computes the input gradient of a convolution, ∂L/∂x. */
export const conv2dBackpropInput = wasmKernel<ConvolutionAttributes & { inputShape: Shape4 }>(
  tf.Conv2DBackpropInput,
  ({ inputs: { dy, filter }, attributes: { strides, pad, inputShape } }) => {
    const turned = tf.transpose(tf.reverse(filter, [0, 1]), [0, 1, 3, 2])
    const cells = interleaveZeros(dy, strides)
    return convolve(tf.Conv2D, cells, turned, inputMargins(cells, filter, strides, pad, inputShape))
  },
)

/** Registration of the kernel that computes the input gradient of a depthwise convolution, ∂L/∂x. */
export const depthwiseBackpropInput = wasmKernel<ConvolutionAttributes & { inputShape: Shape4 }>(
  tf.DepthwiseConv2dNativeBackpropInput,
  ({ inputs: { dy, filter }, attributes: { strides, pad, inputShape } }) => {
    const cells = interleaveZeros(dy, strides)
    const margins = inputMargins(cells, filter, strides, pad, inputShape)
    return convolve(tf.DepthwiseConv2dNative, cells, tf.reverse(filter, [0, 1]), margins)
  },
)

/**
 * Returns the zero padding [start, end] of one axis of an image, such that a filter of `span` pixels fits at `outputs`
 * positions or more, the first of them `before` pixels before the image.
 */
const marginsFor = (extent: number, span: number, outputs: number, before: number): [number, number] => [
  before,
  Math.max(0, outputs + span - 1 - extent - before),
]

/**
 * Returns the zero padding with which a convolution of `cells`, the output gradient with zeros between its pixels, and
 * the filter turned by 180° gives the input gradient, of shape `inputShape`.
 */
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

/**
 * Registration of the kernel that computes the filter gradient of a depthwise convolution with stride s and padding p,
 * ∂L/∂f[u,v,c] = Σ_{n,i,j} x[n, s·i + u − p, s·j + v − p, c]·dy[n,i,j,c], accumulated in double precision.
 */
export const depthwiseBackpropFilter = wasmKernel<ConvolutionAttributes & { filterShape: Shape4 }>(
  tf.DepthwiseConv2dNativeBackpropFilter,
  ({ inputs: { x, dy }, attributes: { strides, pad, filterShape }, backend }) => {
    const info = tf.backend_util.computeConv2DInfo(x.shape, filterShape, strides, 1, pad, undefined, true)
    const images = backend.typedArrayFromHeap(x) as Float32Array
    const cotangents = backend.typedArrayFromHeap(dy) as Float32Array
    return tf.tensor4d(filterGradient(images, cotangents, info), filterShape)
  },
)

/**
 * Returns the filter gradient of a depthwise convolution, [kernel height, kernel width, channels], from its input x and
 * output gradient dy.
 */
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

/** Adds to `sums`, for each channel, Σ x·dy over all pixels of x that the filter's tap (u, v) reads. */
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

/**
 * Registration of the kernel that computes the input gradient of max pooling, ∂L/∂x. The gradient of each window goes
 * to its first largest entry in row order, as in PyTorch. (The backend's kernel takes the last of equal entries, and
 * after a ReLU equal entries are common.)
 */
export const maxPoolGrad = wasmKernel<ConvolutionAttributes & { filterSize: [number, number] }>(
  tf.MaxPoolGrad,
  ({ inputs: { input, dy }, attributes: { strides, pad, filterSize }, backend }) => {
    const info = tf.backend_util.computePool2DInfo(input.shape, filterSize, strides, 1, pad)
    const images = backend.typedArrayFromHeap(input) as Float32Array
    const cotangents = backend.typedArrayFromHeap(dy) as Float32Array
    return tf.tensor4d(inputGradient(images, cotangents, info), input.shape)
  },
)

/** Returns the input gradient of max pooling, in the shape of its input x, from the output gradient dy. */
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

/**
 * Returns the flat index in x of the largest entry of pooling window (i, j) of sample n and channel c; of equal
 * entries, the first. Padding pixels do not count.
 */
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

interface SumAttributes {
  readonly axis: number | number[]
  readonly keepDims: boolean
}

/**
 * Returns a sum kernel that sums over the leading axes in double precision, which batch statistics and dot products
 * need. (The backend's kernel transposes first and adds up to millions of terms one after the other in single
 * precision.)
 *
 * @param own the backend's kernel, which is called for all other sums
 */
export function sumOverLeadingAxes(own: tf.KernelConfig): tf.KernelConfig {
  return {
    ...own,
    kernelFunc(call) {
      const x = call.inputs.x as tf.TensorInfo
      const { axis, keepDims } = call.attrs as unknown as SumAttributes
      const axes = tf.util.parseAxisParam(axis, x.shape)
      const areLeading = axes.every((entry, i) => entry === i)
      if (!areLeading || x.dtype !== 'float32') return own.kernelFunc(call)
      const values = (call.backend as BackendWasm).typedArrayFromHeap(x) as Float32Array
      const kept = x.shape.slice(axes.length)
      const shape = keepDims ? [...axes.map(() => 1), ...kept] : kept
      return tf.tensor(columnSums(values, tf.util.sizeFromShape(kept)), shape)
    },
  }
}

/** Returns the sum of each column of a matrix with `columns` columns, accumulated in double precision. */
function columnSums(values: Float32Array, columns: number): Float32Array {
  const sums = new Float64Array(columns)
  for (let at = 0; at < values.length; at += columns) {
    for (let column = 0; column < columns; column++) sums[column] += values[at + column]
  }
  return Float32Array.from(sums)
}

/**
 * Registers this project's kernels for the WebAssembly backend. Call it once, after the backend has registered its own
 * kernels and before it is initialised.
 */
export function registerWasmKernels(): void {
  const ownSum = getKernel(Sum, 'wasm')
  const kernels: KernelConfig[] = [
    conv2dBackpropFilter,
    conv2dBackpropInput,
    depthwiseBackpropFilter,
    depthwiseBackpropInput,
    maxPoolGrad,
    sumOverLeadingAxes(ownSum),
  ]
  for (const kernel of kernels) {
    if (getKernel(kernel.kernelName, 'wasm') !== undefined) unregisterKernel(kernel.kernelName, 'wasm')
    registerKernel(kernel)
  }
}
