/**
 * Opens an executor by the backend and executor names that a user types. Backends are loaded only when they are opened.
 */

import { BenchError } from '../core/errors.ts'
import type { Arithmetic, Executor } from '../core/executor.ts'
import { cores } from '../system/cores.ts'
import { type BackendChoice, type BackendName, chooseBackend, isDeterministic } from './backendChoice.ts'

export { type BackendName, backendNames, backendReports, chooseBackend } from './backendChoice.ts'

export interface ExecutorOptions {
  readonly backend: BackendName
  /** `static`: fused kernels under a fixed plan (wasm, webgpu); `tfjs`: layer by layer; `auto`: static on those two. */
  readonly executor?: 'auto' | 'tfjs' | 'static'
  /** Allow only backends that give the same bits on every machine; `auto` then never takes a GPU. */
  readonly deterministic?: boolean
  /** Round multiply-adds once (static plan on wasm): 5 to 10 % faster, in other bits. Not with `deterministic`. */
  readonly fastMath?: boolean
  /**
   * Threads that may share one step, if it is large enough to gain by them (static plan on wasm); absent: all cores.
   */
  readonly threads?: number
}

/** Opens an executor. @throws BenchError `unknown-name` or `unsupported`, saying which package to install */
export async function openExecutor(options: ExecutorOptions): Promise<Executor> {
  const { kind, backend } = await chooseExecutor(options)
  const { fastMath = false, threads = cores() } = options
  if (kind === 'tfjs') return openTfjs(backend)
  if (backend === 'webgpu') {
    const { openWebgpuExecutor } = await import('./webgpu/index.ts')
    return openWebgpuExecutor()
  }
  const { openStaticExecutor } = await import('./wasm/index.ts')
  return openStaticExecutor({ fastMath, threads })
}

/** The part of a job's identity that its executor decides: other kernels or another arithmetic give other bits. */
export interface ExecutorIdentity {
  /** `static/wasm`, `tfjs/cpu`, … */
  readonly executor: string
  readonly arithmetic: Arithmetic
}

/**
 * Returns the identity of the executor that `openExecutor` would open. A named backend need not be available here,
 * because the
 * job may run, or have run, on another machine; `auto` means the best backend of this machine.
 *
 * @throws BenchError `unknown-name`, or `unsupported` for a combination that no machine has
 */
export async function executorIdentity(options: ExecutorOptions): Promise<ExecutorIdentity> {
  const { backend, executor } = options
  const named = backend === 'auto' ? (await chooseBackend(backend, options)).backend : backend
  const name = `${kindOf(named, executor)}/${named}`
  if (options.fastMath) requireFusible(name, options)
  const plain = isDeterministic(named) ? 'deterministic' : 'device'
  return { executor: name, arithmetic: options.fastMath ? 'fused' : plain }
}

/** @throws BenchError `unsupported` where `fastMath` does not apply to the executor */
function requireFusible(name: string, { deterministic }: ExecutorOptions): void {
  if (deterministic) throw new BenchError('unsupported', 'fast math does not give the same bits on every machine')
  if (name === 'static/wasm') return
  const remedy = 'use --backend wasm without --executor tfjs, or leave --fast-math out'
  throw new BenchError('unsupported', `--fast-math is for static/wasm, and this would be ${name}; ${remedy}`)
}

export interface ExecutorChoice extends BackendChoice {
  readonly kind: 'static' | 'tfjs'
}

/** Returns what `openExecutor` would open, and why, without loading TensorFlow.js. @throws the same errors */
export async function chooseExecutor({ backend, executor, ...options }: ExecutorOptions): Promise<ExecutorChoice> {
  const choice = await chooseBackend(backend, options)
  const kind = kindOf(choice.backend, executor)
  if (options.fastMath) {
    requireFusible(`${kind}/${choice.backend}`, { backend, ...options })
    const { kernelModule } = await import('./wasm/module/module.ts')
    await kernelModule('fused')
  }
  return { ...choice, kind }
}

function kindOf(backend: BackendChoice['backend'], executor: ExecutorOptions['executor'] = 'auto') {
  if (executor !== 'tfjs' && (backend === 'wasm' || backend === 'webgpu')) return 'static'
  if (executor !== 'static') return 'tfjs'
  const message = `the static executor runs on wasm and webgpu, not on ${backend}; use --backend wasm`
  throw new BenchError('unsupported', message)
}

async function openTfjs(backend: BackendChoice['backend']): Promise<Executor> {
  const { openTfjsExecutor } = await import('./tfjs/executor.ts')
  return openTfjsExecutor(backend)
}
