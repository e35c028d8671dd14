/**
 * Opens the TensorFlow.js executor, which interprets a network layer by layer on one of TensorFlow.js' backends. It is
 * the reference that the static executors must agree with.
 */
import { createRequire } from 'node:module'
import { dirname, sep } from 'node:path'
import util from 'node:util'
import * as tf from '@tensorflow/tfjs-core'
import { BenchError } from '../../core/errors.ts'
import type { Arithmetic, Executor } from '../../core/executor.ts'
import { firstLine } from '../../core/plainText.ts'
import { importOptional } from '../../system/optionalPackage.ts'
import { checkPoolings } from '../graph/lower.ts'
import { checkObserved, untilDisposed } from '../plan/executable.ts'
import { TfjsExecutable } from './executable.ts'
import { tensorflowPackage } from './packages.ts'
import { onBackend } from './state.ts'

/** How one backend of TensorFlow.js is loaded, and what it computes on. */
interface TfjsBackend {
  readonly arithmetic: Arithmetic
  /** Loads the backend's package, and registers the kernels that this project adds to the backend. */
  readonly load: () => Promise<unknown>
  /** Tells whether the loaded backend computes on a GPU; a GPU emulated in software does not count. */
  readonly onGpu: () => Promise<boolean>
}

const never = async () => false

const backends = {
  tensorflow: {
    arithmetic: 'device',
    load: loadTensorflow,
    // Set by tfjs-node for the device that libtensorflow found: tfjs-node-gpu runs without a GPU, too.
    onGpu: async () => (tf.backend() as { isUsingGpuDevice?: boolean }).isUsingGpuDevice === true,
  },
  webgpu: { arithmetic: 'device', load: () => importOptional('@tensorflow/tfjs-backend-webgpu'), onGpu: hasRealGpu },
  wasm: { arithmetic: 'deterministic', load: loadWasm, onGpu: never },
  cpu: { arithmetic: 'deterministic', load: () => import('@tensorflow/tfjs-backend-cpu'), onGpu: never },
} as const satisfies Readonly<Record<string, TfjsBackend>>

type TfjsBackendName = keyof typeof backends

/**
 * Opens the TensorFlow.js executor on one of its backends.
 *
 * @param backend name of the backend; before `webgpu`, the caller must have defined `navigator.gpu`
 * @throws BenchError `unsupported` if the backend does not load
 */
export async function openTfjsExecutor(backend: TfjsBackendName): Promise<Executor> {
  await initialiseBackend(backend)
  const { arithmetic, onGpu } = backends[backend]
  return {
    name: `tfjs/${backend}`,
    arithmetic,
    onGpu: await onGpu(),
    async compile(network, { batchSize }) {
      checkPoolings(network)
      checkObserved(network)
      return untilDisposed(new TfjsExecutable(network, batchSize, onBackend(backend)))
    },
  }
}

const initialised = new Map<TfjsBackendName, Promise<void>>()

/**
 * Loads a backend of TensorFlow.js and makes it the current one; only the first call in a process does the work.
 * @throws BenchError `unsupported` if it does not load
 */
export function initialiseBackend(backend: TfjsBackendName): Promise<void> {
  const ready = initialised.get(backend) ?? initialise(backend)
  initialised.set(backend, ready)
  return ready
}

/** Loads a backend of TensorFlow.js and makes it the current one. @throws BenchError `unsupported` with the reason */
async function initialise(backend: TfjsBackendName): Promise<void> {
  tf.enableProdMode() // otherwise every log advises to install the native package
  try {
    await backends[backend].load()
    if (!(await tf.setBackend(backend))) throw new Error('its initialisation failed')
  } catch (error) {
    const why = error instanceof Error ? firstLine(error.message) : String(error)
    throw new BenchError('unsupported', `backend ${backend} does not load: ${why}; use --backend wasm`, {
      cause: error,
    })
  }
}

/**
 * Loads TensorFlow.js' WebAssembly backend on one thread, and registers this project's kernels where the backend's own
 * are missing or inexact.
 */
async function loadWasm(): Promise<void> {
  const wasm = await import('@tensorflow/tfjs-backend-wasm')
  const { registerWasmKernels } = await import('./kernels/wasm.ts')
  wasm.setWasmPaths(dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm')) + sep)
  // With threads, sums would be taken in another order.
  tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false)
  registerWasmKernels()
}

/** Loads libtensorflow through tfjs-node, and registers three of its kernels that TensorFlow.js does not offer. */
async function loadTensorflow(): Promise<void> {
  const name = tensorflowPackage()
  if (name === undefined) throw new Error('neither tfjs-node nor tfjs-node-gpu is installed with its native part')
  restoreRemovedUtilities()
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '1' // warnings and errors, without notes on the processor's features
  await importOptional(name)
  const { registerTensorflowKernels } = await import('./kernels/tensorflow.ts')
  registerTensorflowKernels()
}

/** Defines two functions of `node:util` that tfjs-node 4.22 calls, Node 22 deprecates and Node 23 removed. */
function restoreRemovedUtilities(): void {
  Object.assign(util, {
    isNullOrUndefined: (value: unknown) => value === null || value === undefined,
    isArray: Array.isArray,
  })
}

/** Tells whether the adapter that WebGPU prefers is a GPU and not a software emulation of one. */
async function hasRealGpu(): Promise<boolean> {
  const { gpu } = (globalThis as { navigator?: { readonly gpu?: GPU } }).navigator ?? {}
  const adapter = await gpu?.requestAdapter({ powerPreference: 'high-performance' })
  return adapter?.info.isFallbackAdapter === false
}
