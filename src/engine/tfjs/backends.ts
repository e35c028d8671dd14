/** The backends of TensorFlow.js: loading them, and saying why one cannot be had. */
import { createRequire } from 'node:module'
import { dirname, sep } from 'node:path'
import * as tf from '@tensorflow/tfjs-core'
import { registerWasmKernels } from '../kernels/register.ts'

export const backends = ['tensorflow', 'webgpu', 'wasm', 'cpu'] as const
export type Backend = (typeof backends)[number]

export async function initialiseBackend(backend: Backend): Promise<void> {
  tf.enableProdMode() // silences the advice to install the native package
  const wasm = await import('@tensorflow/tfjs-backend-wasm')
  const folder = dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm'))
  wasm.setWasmPaths(folder + sep)
  await import('@tensorflow/tfjs-backend-cpu')
  registerWasmKernels()
  await tf.setBackend(backend)
}
