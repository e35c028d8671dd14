/** Kernels that one backend has and the others make of several. */
import * as tf from '@tensorflow/tfjs-core'

type Kernel = (inputs: tf.NamedTensorMap, attributes?: object) => tf.Tensor[]

/** The kernel of the current backend; undefined where it has none of that name. */
export function fusedKernel(name: string): Kernel | undefined {
  if (tf.getKernel(name, tf.getBackend()) === undefined) return undefined
  return (inputs, attributes = {}) => tf.engine().runKernel(name, inputs, attributes as tf.NamedAttrMap)
}
