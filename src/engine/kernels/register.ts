/** Adds to the WebAssembly backend of TensorFlow.js the kernels that it lacks, and replaces those that are slow. */
import { getKernel, type KernelConfig, registerKernel, unregisterKernel } from '@tensorflow/tfjs-core'
import { conv2dBackpropFilter, conv2dBackpropInput, depthwiseBackpropInput } from './convolution.ts'
import { depthwiseBackpropFilter } from './depthwise.ts'
import { maxPoolGrad } from './pooling.ts'

export const wasmKernels: readonly KernelConfig[] = [
  conv2dBackpropFilter,
  conv2dBackpropInput,
  depthwiseBackpropFilter,
  depthwiseBackpropInput,
  maxPoolGrad,
]

/** To be called after the backend has registered its own. */
export function registerWasmKernels(): void {
  for (const kernel of wasmKernels) {
    if (getKernel(kernel.kernelName, 'wasm') !== undefined) unregisterKernel(kernel.kernelName, 'wasm')
    registerKernel(kernel)
  }
}
