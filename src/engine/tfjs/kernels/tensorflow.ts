/**
 * Registers three kernels of libtensorflow that TensorFlow.js does not offer: the gradient of ReLU, and batch
 * normalisation with its gradient. Each replaces up to ten kernel calls. Other backends compute the same by several
 * kernels.
 */
import * as tf from '@tensorflow/tfjs-core'

/** Name of the kernel that returns dy where y > 0, else 0: the gradient of a ReLU. Inputs: dy, y. */
export const RELU_GRADIENT = 'ReluGrad'
/**
 * Name of the kernel of batch normalisation, γ·(x − μ)/√(σ² + ε) + β. Inputs: x, scale, shift; outputs: y, μ and the
 * unbiased σ².
 */
export const BATCH_NORM = 'FusedBatchNormV3'
/**
 * Name of the kernel that returns ∂L/∂x, ∂L/∂γ, ∂L/∂β of batch normalisation. Inputs: dy, x, scale, mean, biased
 * variance.
 */
export const BATCH_NORM_GRADIENT = 'FusedBatchNormGradV3'

/** Attributes of the two kernels of batch normalisation: the ε that is added to the variance. */
export interface BatchNormAttributes {
  readonly epsilon: number
}

/** The members of tfjs-node's backend object that the kernels registered here use. */
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

/** One attribute of a libtensorflow kernel: its name, type and value. */
interface Attribute {
  readonly name: string
  readonly type: number
  readonly value: string | number
}

/** Registers the three kernels; call it once, after the TensorFlow backend has been loaded. */
export function registerTensorflowKernels(): void {
  const backend = tf.findBackend('tensorflow') as unknown as TensorflowBackend
  register(RELU_GRADIENT, ({ dy, y }) => {
    return backend.executeMultipleOutputs(RELU_GRADIENT, [float(backend, 'T')], [dy, y], 1)
  })
  // On a GPU, cuDNN's gradient kernel reads intermediate results of its forward kernel instead of mean and variance.
  if (backend.isUsingGpuDevice) return
  register(BATCH_NORM, ({ x, scale, shift }, attributes) => {
    const none = tf.tensor1d([]) // no running moments are passed in
    const inputs = [x, scale, shift, none, none]
    return backend.executeMultipleOutputs(BATCH_NORM, batchNormAttributes(backend, attributes), inputs, 6).slice(0, 3)
  })
  register(BATCH_NORM_GRADIENT, ({ dy, x, scale, mean, variance }, attributes) => {
    const unused = tf.tensor1d([]) // read by cuDNN only
    const inputs = [dy, x, scale, mean, variance, unused]
    return backend
      .executeMultipleOutputs(BATCH_NORM_GRADIENT, batchNormAttributes(backend, attributes), inputs, 5)
      .slice(0, 3)
  })
}

/** Registers one kernel for TensorFlow.js' backend on libtensorflow. */
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

/** Returns the attributes with which libtensorflow normalises a batch; `is_training` keeps its default, true. */
const batchNormAttributes = (backend: TensorflowBackend, { epsilon }: BatchNormAttributes): Attribute[] => [
  float(backend, 'T'),
  float(backend, 'U'),
  { name: 'epsilon', type: backend.binding.TF_ATTR_FLOAT, value: epsilon },
  { name: 'data_format', type: backend.binding.TF_ATTR_STRING, value: 'NHWC' },
]

type Kernel = (inputs: tf.NamedTensorMap, attributes?: object) => tf.Tensor[]

/** Returns a kernel of the current TensorFlow.js backend by its name; undefined if the backend does not have it. */
export function fusedKernel(name: string): Kernel | undefined {
  if (tf.getKernel(name, tf.getBackend()) === undefined) return undefined
  return (inputs, attributes = {}) => tf.engine().runKernel(name, inputs, attributes as tf.NamedAttrMap)
}
