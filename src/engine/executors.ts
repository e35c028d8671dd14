/** Opening an executor by the names that a user types. Heavy modules load here, at the call, and nowhere earlier. */
import { cores } from '../core/cores.ts'
import { BenchError } from '../core/errors.ts'
import type { Executor } from '../core/executor.ts'
import { type BackendChoice, type BackendName, chooseBackend } from './backendChoice.ts'

export { type BackendName, backendNames, backendReports, chooseBackend } from './backendChoice.ts'

export interface ExecutorOptions {
  readonly backend: BackendName
  /** `static`: fused kernels under a fixed plan (wasm, webgpu); `tfjs`: layer by layer; `auto`: static on those two. */
  readonly executor?: 'auto' | 'tfjs' | 'static'
  /** Insist on the same bits on every machine. */
  readonly deterministic?: boolean
  /** That may work on one step, where it is large enough to gain by them (static plan on wasm); absent: all cores. */
  readonly threads?: number
}

/** @throws BenchError `unknown-name` or `unsupported`, saying which package to install */
export async function openExecutor(options: ExecutorOptions): Promise<Executor> {
  const { kind, backend } = await chooseExecutor(options)
  const { deterministic = false, threads = cores() } = options
  if (kind === 'tfjs') return openTfjs(backend)
  if (backend === 'webgpu') {
    const { openWebgpuExecutor } = await import('./webgpu/index.ts')
    return openWebgpuExecutor()
  }
  const { openStaticExecutor } = await import('./wasm/index.ts')
  return openStaticExecutor({ deterministic, threads })
}

/**
 * The name of the executor that `openExecutor` would open: part of a job's identity. A backend that is named need not be
 * here, since a plan may be carried out elsewhere, or have been; `auto` is what this machine has.
 */
export async function executorName(options: ExecutorOptions): Promise<string> {
  const { backend, executor } = options
  const named = backend === 'auto' ? (await chooseBackend(backend, options)).backend : backend
  return `${kindOf(named, executor)}/${named}`
}

export interface ExecutorChoice extends BackendChoice {
  readonly kind: 'static' | 'tfjs'
}

/** What `openExecutor` would open, and why, found without loading it. @throws as `openExecutor` */
export async function chooseExecutor({ backend, executor, ...options }: ExecutorOptions): Promise<ExecutorChoice> {
  const choice = await chooseBackend(backend, options)
  return { ...choice, kind: kindOf(choice.backend, executor) }
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
