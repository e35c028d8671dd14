/**
 * Sums over the leading axes, as batch statistics and dot products need them, accumulated in double precision. (The
 * backend's own kernel transposes first, and adds up to millions of terms one after the other in single precision.)
 */

import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm'
import * as tf from '@tensorflow/tfjs-core'

interface SumAttributes {
  readonly axis: number | number[]
  readonly keepDims: boolean
}

/** @param own the backend's kernel, for sums over other axes */
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

/** Σ over rows of a matrix with the given number of columns. */
function columnSums(values: Float32Array, columns: number): Float32Array {
  const sums = new Float64Array(columns)
  for (let at = 0; at < values.length; at += columns) {
    for (let column = 0; column < columns; column++) sums[column] += values[at + column]
  }
  return Float32Array.from(sums)
}
