/** The form in which kernels of the WebAssembly backend are written here. */

import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm'
import * as tf from '@tensorflow/tfjs-core'

/** Inputs by name, attributes as TensorFlow.js hands them in. */
export interface KernelCall<Attributes> {
  readonly inputs: Readonly<Record<string, tf.Tensor4D>>
  readonly attributes: Attributes
  readonly backend: BackendWasm
}

/** What gradient kernels of convolutions are told. */
export interface ConvolutionAttributes {
  readonly strides: [number, number]
  readonly pad: 'same' | 'valid'
}

/** A kernel of the WebAssembly backend that is made of other kernels; what it makes on the way is freed. */
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

/** Zeros to add before and after the rows, and before and after the columns. */
export interface Margins {
  readonly rows: [number, number]
  readonly columns: [number, number]
}

/** Runs a convolution kernel with explicit margins; unlike `tf.conv2d` it may stride and dilate at once. */
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
