/** Opening an executor by the names that a user types. Heavy modules load here, at the call, and nowhere earlier. */
import { cores } from '../core/cores.ts'
import { BenchError } from '../core/errors.ts'
import type { Arithmetic, Executor } from '../core/executor.ts'
import { type BackendChoice, type BackendName, chooseBackend, isDeterministic } from './backendChoice.ts'

export { type BackendName, backendNames, backendReports, chooseBackend } from './backendChoice.ts'

export interface ExecutorOptions {
  readonly backend: BackendName
  /** `static`: fused kernels under a fixed plan (wasm, webgpu); `tfjs`: layer by layer; `auto`: static on those two. */
  readonly executor?: 'auto' | 'tfjs' | 'static'
  /** Only backends that give the same bits on every machine: `auto` never takes a GPU. */
  readonly deterministic?: boolean
  /** Round multiply-adds once (static plan on wasm): 5 to 10 % faster, in other bits. Not with `deterministic`. */
  readonly fastMath?: boolean
  /** That may work on one step, where it is large enough to gain by them (static plan on wasm); absent: all cores. */
  readonly threads?: number
}

/** @throws BenchError `unknown-name` or `unsupported`, saying which package to install */
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

/** What a job's identity says of its executor: other kernels, and other arithmetic, give other bits. */
export interface ExecutorIdentity {
  /** `static/wasm`, `tfjs/cpu`, … */
  readonly executor: string
  readonly arithmetic: Arithmetic
}

/**
 * What `openExecutor` would open. A backend that is named need not be here, since a plan may be carried out elsewhere, or
 * have been; `auto` is what this machine has.
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

/** @throws BenchError `unsupported` */
function requireFusible(name: string, { deterministic }: ExecutorOptions): void {
  if (deterministic) throw new BenchError('unsupported', 'fast math does not give the same bits on every machine')
  if (name === 'static/wasm') return
  const remedy = 'use --backend wasm without --executor tfjs, or leave --fast-math out'
  throw new BenchError('unsupported', `--fast-math is for static/wasm, and this would be ${name}; ${remedy}`)
}

export interface ExecutorChoice extends BackendChoice {
  readonly kind: 'static' | 'tfjs'
}

/** What `openExecutor` would open, and why, found without loading TensorFlow.js. @throws as `openExecutor` */
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
