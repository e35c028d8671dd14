/** Loading the backends of TensorFlow.js. */
import { createRequire } from 'node:module'
import { dirname, sep } from 'node:path'
import util from 'node:util'
import * as tf from '@tensorflow/tfjs-core'
import { BenchError } from '../../core/errors.ts'
import { type Backend, tensorflowPackage } from '../backendChoice.ts'
import { describeGpu, webGpu } from '../gpu.ts'
import { importOptional } from '../optionalPackage.ts'

const loaders: Readonly<Record<Backend, () => Promise<unknown>>> = {
  tensorflow: loadTensorflow,
  webgpu: loadWebgpu,
  wasm: loadWasm,
  cpu: () => import('@tensorflow/tfjs-backend-cpu'),
}

const initialised = new Map<Backend, Promise<void>>()

/** Makes the backend ready to run kernels. @throws BenchError `unsupported` where it does not load */
export function initialiseBackend(backend: Backend): Promise<void> {
  const ready = initialised.get(backend) ?? initialise(backend)
  initialised.set(backend, ready)
  return ready
}

/** Of an initialised backend. */
export async function computesOnGpu(backend: Backend): Promise<boolean> {
  if (backend === 'webgpu') return (await describeGpu())?.isSoftware === false
  // What tfjs-node says of the device that libtensorflow found; tfjs-node-gpu works without a GPU, too.
  return backend === 'tensorflow' && (tf.backend() as { isUsingGpuDevice?: boolean }).isUsingGpuDevice === true
}

async function initialise(backend: Backend): Promise<void> {
  tf.enableProdMode() // no advice to install the native package in every log
  try {
    await loaders[backend]()
    if (!(await tf.setBackend(backend))) throw new Error('its initialisation failed')
  } catch (error) {
    const why = error instanceof Error ? error.message.split('\n')[0] : String(error)
    throw new BenchError('unsupported', `backend ${backend} does not load: ${why}; use --backend wasm`, {
      cause: error,
    })
  }
}

async function loadWasm(): Promise<void> {
  const wasm = await import('@tensorflow/tfjs-backend-wasm')
  const { registerWasmKernels } = await import('./kernels/register.ts')
  wasm.setWasmPaths(dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm')) + sep)
  // With threads, sums would be taken in another order.
  tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false)
  registerWasmKernels()
}

async function loadTensorflow(): Promise<void> {
  const name = tensorflowPackage()
  if (name === undefined) throw new Error('neither tfjs-node nor tfjs-node-gpu is installed with its native part')
  restoreRemovedUtilities()
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '1' // warnings and errors, not what the processor could do
  await importOptional(name)
  const { registerTensorflowKernels } = await import('./kernels/tensorflow.ts')
  registerTensorflowKernels()
}

/** tfjs-node 4.22 calls two functions of `node:util` that Node 22 warns of and Node 23 removed. */
function restoreRemovedUtilities(): void {
  Object.assign(util, {
    isNullOrUndefined: (value: unknown) => value === null || value === undefined,
    isArray: Array.isArray,
  })
}

async function loadWebgpu(): Promise<void> {
  await webGpu() // navigator.gpu must be there before the backend looks for it
  await importOptional('@tensorflow/tfjs-backend-webgpu')
}
