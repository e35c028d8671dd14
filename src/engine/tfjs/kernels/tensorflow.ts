/**
 * Adds to the TensorFlow backend three of libtensorflow's kernels that TensorFlow.js has no name for: each does in one
 * pass over memory what takes up to ten kernels otherwise.
 */
import * as tf from '@tensorflow/tfjs-core'

/** dy where y > 0, else 0. Inputs dy, y. */
export const RELU_GRADIENT = 'ReluGrad'
/** γ·(x − μ)/√(σ² + ε) + β over the batch. Inputs x, scale, shift; outputs y, μ and the unbiased σ². */
export const BATCH_NORM = 'FusedBatchNormV3'
/** ∂L/∂x, ∂L/∂γ, ∂L/∂β of the same. Inputs dy, x, scale, mean, variance (biased). */
export const BATCH_NORM_GRADIENT = 'FusedBatchNormGradV3'

export interface BatchNormAttributes {
  readonly epsilon: number
}

/** Of the backend of tfjs-node, what its own kernels are written with. */
interface TensorflowBackend {
  readonly isUsingGpuDevice: boolean
  readonly binding: Readonly<Record<'TF_FLOAT' | 'TF_ATTR_TYPE' | 'TF_ATTR_FLOAT' | 'TF_ATTR_STRING', number>>
  executeMultipleOutputs(
    kernel: string,
    attributes: readonly Attribute[],
    inputs: readonly tf.TensorInfo[],
    outputs: number,
  ): tf.Tensor[]
}

interface Attribute {
  readonly name: string
  readonly type: number
  readonly value: string | number
}

/** To be called once, after the backend has been loaded. */
export function registerTensorflowKernels(): void {
  const backend = tf.findBackend('tensorflow') as unknown as TensorflowBackend
  register(RELU_GRADIENT, ({ dy, y }) => {
    return backend.executeMultipleOutputs(RELU_GRADIENT, [float(backend, 'T')], [dy, y], 1)
  })
  // cuDNN's batch normalisation hands its gradient kernel other things than the mean and the variance.
  if (backend.isUsingGpuDevice) return
  register(BATCH_NORM, ({ x, scale, shift }, attributes) => {
    const none = tf.tensor1d([]) // no running moments come in
    const inputs = [x, scale, shift, none, none]
    return backend.executeMultipleOutputs(BATCH_NORM, batchNormAttributes(backend, attributes), inputs, 6).slice(0, 3)
  })
  register(BATCH_NORM_GRADIENT, ({ dy, x, scale, mean, variance }, attributes) => {
    const unused = tf.tensor1d([]) // what only cuDNN saves
    const inputs = [dy, x, scale, mean, variance, unused]
    return backend
      .executeMultipleOutputs(BATCH_NORM_GRADIENT, batchNormAttributes(backend, attributes), inputs, 5)
      .slice(0, 3)
  })
}

function register(
  kernelName: string,
  compute: (inputs: Readonly<Record<string, tf.TensorInfo>>, attributes: BatchNormAttributes) => tf.Tensor[],
): void {
  tf.registerKernel({
    kernelName,
    backendName: 'tensorflow',
    kernelFunc: ({ inputs, attrs }) =>
      tf.tidy(() => compute(inputs as Record<string, tf.TensorInfo>, attrs as unknown as BatchNormAttributes)),
  })
}

const float = ({ binding }: TensorflowBackend, name: string): Attribute => ({
  name,
  type: binding.TF_ATTR_TYPE,
  value: binding.TF_FLOAT,
})

/** `is_training` is left at its default, which is true. */
const batchNormAttributes = (backend: TensorflowBackend, { epsilon }: BatchNormAttributes): Attribute[] => [
  float(backend, 'T'),
  float(backend, 'U'),
  { name: 'epsilon', type: backend.binding.TF_ATTR_FLOAT, value: epsilon },
  { name: 'data_format', type: backend.binding.TF_ATTR_STRING, value: 'NHWC' },
]

type Kernel = (inputs: tf.NamedTensorMap, attributes?: object) => tf.Tensor[]

/** The kernel of the current backend; undefined where it has none of that name. */
export function fusedKernel(name: string): Kernel | undefined {
  if (tf.getKernel(name, tf.getBackend()) === undefined) return undefined
  return (inputs, attributes = {}) => tf.engine().runKernel(name, inputs, attributes as tf.NamedAttrMap)
}
