/** Adds to the WebAssembly backend of TensorFlow.js the kernels that it lacks, and replaces those that fall short. */
import { getKernel, type KernelConfig, registerKernel, Sum, unregisterKernel } from '@tensorflow/tfjs-core'
import { conv2dBackpropFilter, conv2dBackpropInput, depthwiseBackpropInput } from './convolution.ts'
import { depthwiseBackpropFilter } from './depthwise.ts'
import { maxPoolGrad } from './pooling.ts'
import { sumOverLeadingAxes } from './sum.ts'

/** To be called once, after the backend has registered its own and before it is initialised. */
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
