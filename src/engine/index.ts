/**
 * Lists the backends (TensorFlow, WebGPU, WebAssembly, plain JavaScript), chooses one of them, and opens an executor,
 * which runs networks on it. Only this folder names single backends, and it loads a backend's code only when an
 * executor is opened on it.
 */
import { BenchError } from '../core/errors.ts'
import type { Arithmetic, Executor } from '../core/executor.ts'
import { unknownName } from '../core/names.ts'
import { cores } from '../system/cores.ts'
import { isInstalled } from '../system/optionalPackage.ts'
import { TENSORFLOW_GPU, TENSORFLOW_PACKAGES, tensorflowPackage } from './tfjs/packages.ts'
import { defineNavigatorGpu, describeGpu, GPU_VARIABLE, gpuNames } from './webgpu/device/gpu.ts'

/**
 * Names by which a user chooses the executor: `static` runs fused kernels in an order fixed in advance; `tfjs` runs a
 * network layer by layer on TensorFlow.js; `auto` takes `static` where the backend has it, else `tfjs`.
 */
export const executorNames = ['auto', 'static', 'tfjs'] as const

/** What a user may choose about the executor, which runs networks on a backend. */
export interface ExecutorOptions {
  /** Name of the backend, or `auto` for the best backend of this machine. */
  readonly backend: BackendName
  /**
   * Kind of executor. `auto`, the default: the static executor if the backend has one, else the one on TensorFlow.js.
   */
  readonly executor?: (typeof executorNames)[number]
  /** Whether only backends that give the same bits on every machine are allowed; `auto` then never takes a GPU. */
  readonly deterministic?: boolean
  /**
   * Whether kernels round a multiply-add once instead of twice: 5 to 10 % faster, but the results have other bits. Only
   * with the static executor on the `wasm` backend, and not with `deterministic`.
   */
  readonly fastMath?: boolean
  /**
   * Largest number of threads that share one training step of a large network, on the static executor with the `wasm`
   * backend; absent: all cores.
   */
  readonly threads?: number
}

/** Result of a probe: whether this machine has a backend, and on what device the backend computes. */
export interface Probe {
  readonly available: boolean
  /** The device that the backend computes on, or what is missing and how to install it. */
  readonly detail: string
  /**
   * The GPU that the backend computes on, as messages name it; absent without one. A GPU emulated in software does not
   * count.
   */
  readonly gpu?: string
}

/** One entry of the table of backends: how to probe the backend, and how to open executors on it. */
interface BackendEntry {
  readonly name: string
  /** Whether the backend gives the same bits on every machine. */
  readonly deterministic: boolean
  /** Finds out whether this machine has the backend, without loading TensorFlow.js. */
  readonly probe: () => Promise<Probe>
  /** For each kind of executor that the backend has, the function that opens it. */
  readonly open: {
    readonly static?: (options: { readonly fastMath: boolean; readonly threads: number }) => Promise<Executor>
    readonly tfjs: () => Promise<Executor>
  }
  /**
   * Loads the build of the static WebAssembly kernels that rounds multiply-adds once; absent for backends without such
   * a build.
   */
  readonly loadFusedKernels?: () => Promise<unknown>
  /**
   * Returns environment variables for a worker process that limit the backend's library to `threads` threads, and to
   * the GPU memory that it needs.
   */
  readonly environment?: (threads: number | undefined) => NodeJS.ProcessEnv
}

/** Probes for TensorFlow: whether a package with libtensorflow is installed, and whether its native part was built. */
async function probeTensorflow(): Promise<Probe> {
  const found = tensorflowPackage()
  if (found !== undefined) return { available: true, detail: found, ...(found === TENSORFLOW_GPU && { gpu: found }) }
  const unbuilt = TENSORFLOW_PACKAGES.find(isInstalled)
  const missing = 'npm install -D @tensorflow/tfjs-node (or tfjs-node-gpu with an NVIDIA GPU)'
  return {
    available: false,
    detail: unbuilt ? `${unbuilt} lacks its native part; docs/backends.md builds it` : missing,
  }
}

const NO_ADAPTER =
  'no GPU adapter was found; a Vulkan, Metal or Direct3D 12 driver is needed (docs/backends.md: what servers lack)'

/** Probes for WebGPU: whether its package is installed, and whether this machine has a GPU for it. */
async function probeWebgpu(): Promise<Probe> {
  if (!isInstalled('webgpu')) return { available: false, detail: 'npm install -D webgpu' }
  const gpu = await describeGpu()
  if (gpu === undefined) return { available: false, detail: NO_ADAPTER }
  if (gpu.isSoftware) return { available: true, detail: `${gpu.name} (emulated, slow)` }
  return { available: true, detail: gpu.name, gpu: gpu.name }
}

const openTfjs = async (...args: Parameters<typeof import('./tfjs/index.ts').openTfjsExecutor>) =>
  (await import('./tfjs/index.ts')).openTfjsExecutor(...args)

/**
 * All backends, fastest first. On a machine without a GPU, `auto` means the first backend that gives the same bits
 * everywhere.
 */
const backends = [
  {
    name: 'tensorflow',
    deterministic: false,
    probe: probeTensorflow,
    open: { tfjs: () => openTfjs('tensorflow') },
    // libtensorflow by itself takes all cores, and all memory of every GPU, so that a second process would find none.
    environment: (threads) => ({
      TF_FORCE_GPU_ALLOW_GROWTH: 'true',
      ...(threads !== undefined && { TF_NUM_INTRAOP_THREADS: String(threads) }),
    }),
  },
  {
    name: 'webgpu',
    deterministic: false,
    probe: probeWebgpu,
    open: {
      static: async () => (await import('./webgpu/index.ts')).openWebgpuExecutor(),
      tfjs: async () => {
        await defineNavigatorGpu()
        return openTfjs('webgpu')
      },
    },
  },
  {
    name: 'wasm',
    deterministic: true,
    probe: async () => ({ available: true, detail: 'WebAssembly with SIMD, threads where a step is large' }),
    open: {
      static: async (options) => (await import('./wasm/index.ts')).openStaticExecutor(options),
      tfjs: () => openTfjs('wasm'),
    },
    loadFusedKernels: async () => (await import('./wasm/module/module.ts')).kernelModule('fused'),
  },
  {
    name: 'cpu',
    deterministic: true,
    probe: async () => ({ available: true, detail: 'plain JavaScript, slow' }),
    open: { tfjs: () => openTfjs('cpu') },
  },
] as const satisfies readonly BackendEntry[]

/** The name of a backend in the table. */
export type Backend = (typeof backends)[number]['name']
/** The name of a backend that gives the same bits on every machine. */
export type DeterministicBackend = Extract<(typeof backends)[number], { readonly deterministic: true }>['name']
/** A name that a user may type for a backend: the backend's own, or `auto` for the best backend of this machine. */
export type BackendName = Backend | 'auto'

const entries: readonly (BackendEntry & { readonly name: Backend })[] = backends

/** All names that a user may type for a backend, `auto` first. */
export const backendNames: readonly BackendName[] = ['auto', ...entries.map(({ name }) => name)]

/** The names of the backends that give the same bits on every machine. */
export const deterministicBackends: readonly DeterministicBackend[] = backends
  .filter((entry) => entry.deterministic)
  .map(({ name }) => name)

const entryOf = (backend: Backend): BackendEntry => entries.find(({ name }) => name === backend) as BackendEntry

/** The result of probing a backend, with the backend's name. */
export interface BackendReport extends Probe {
  readonly backend: Backend
}

/**
 * Probes every backend, fastest first, and returns for each whether this machine has it, and if not, what is missing.
 */
export const backendReports = (): Promise<BackendReport[]> =>
  Promise.all(entries.map(async ({ name, probe }) => ({ backend: name, ...(await probe()) })))

/**
 * Returns, for each GPU of this machine that can be handed to a worker process, the environment variables that make
 * WebGPU in that process use this GPU.
 */
export const webgpuEnvironments = async (): Promise<readonly NodeJS.ProcessEnv[]> =>
  (await gpuNames()).map((name) => ({ [GPU_VARIABLE]: name }))

/** Tells whether a backend computes on a GPU of this machine; a GPU emulated in software does not count. */
export const usesGpu = async (backend: Backend): Promise<boolean> => (await entryOf(backend).probe()).gpu !== undefined

/**
 * Returns environment variables for a worker process that limit the library of every backend to `threads` threads.
 * @param threads undefined: no limit
 */
export const libraryEnvironment = (threads: number | undefined): NodeJS.ProcessEnv =>
  Object.assign({}, ...entries.map(({ environment }) => environment?.(threads)))

/**
 * The part of a job's identity that depends on its executor, because other kernels or another rounding give other bits.
 */
export interface ExecutorIdentity {
  /** Kind of executor and backend, such as `static/wasm` or `tfjs/cpu`. */
  readonly executor: string
  readonly arithmetic: Arithmetic
}

/** The executor that was chosen: backend, kind, and the reason. */
export interface ExecutorChoice {
  readonly backend: Backend
  readonly kind: 'static' | 'tfjs'
  /** Why this backend was chosen, for messages to the user. */
  readonly reason: string
}

/**
 * Opens an executor on the backend that the options name.
 *
 * @throws BenchError `unknown-name`, or `unsupported` with the package to install
 */
export async function openExecutor(options: ExecutorOptions): Promise<Executor> {
  const { kind, backend } = await chooseExecutor(options)
  const { open } = entryOf(backend)
  const { fastMath = false, threads = cores() } = options
  return kind === 'static' && open.static ? open.static({ fastMath, threads }) : open.tfjs()
}

/** Returns which executor `openExecutor` would open, and why. @throws the errors of `openExecutor` */
export async function chooseExecutor({ backend, executor, ...options }: ExecutorOptions): Promise<ExecutorChoice> {
  const choice = await chooseBackend(backend, options)
  const kind = kindOf(choice.backend, executor)
  if (options.fastMath) await requireFusible(choice.backend, kind, options)?.()
  return { ...choice, kind }
}

/**
 * Returns the identity of the executor that `openExecutor` would open. A named backend need not be available here,
 * because the job may run, or have run, on another machine; `auto` means the best backend of this machine.
 *
 * @throws BenchError `unknown-name`, or `unsupported` for a combination that no machine has
 */
export async function executorIdentity(options: ExecutorOptions): Promise<ExecutorIdentity> {
  const { backend: name } = options
  return identityOn(name === 'auto' ? (await chooseBackend(name, options)).backend : name, options)
}

/**
 * Returns the identities that `executorIdentity` gives for these options on one machine or another: for a named backend
 * its own, for `auto` first that of a machine without a GPU. Looks for no GPU.
 *
 * @throws BenchError `unsupported` for a combination that no machine has
 */
export function possibleIdentities(options: ExecutorOptions): readonly ExecutorIdentity[] {
  const { backend: name, deterministic } = options
  if (name !== 'auto') return [identityOn(name, options)]
  const [portable] = deterministicBackends
  const onGpus = deterministic ? [] : entries.filter((entry) => !entry.deterministic)
  const others = onGpus.flatMap((entry) => {
    try {
      return [identityOn(entry.name, options)]
    } catch {
      // `bench run` refuses these options on a machine with this backend, so no run has this identity.
      return []
    }
  })
  return [identityOn(portable, options), ...others]
}

function identityOn(backend: Backend, options: ExecutorOptions): ExecutorIdentity {
  const { executor, fastMath } = options
  const kind = kindOf(backend, executor)
  if (fastMath) requireFusible(backend, kind, options)
  const plain = entryOf(backend).deterministic ? 'deterministic' : 'device'
  return { executor: `${kind}/${backend}`, arithmetic: fastMath ? 'fused' : plain }
}

/**
 * Chooses the backend that a name stands for; `auto` stands for the best backend of this machine.
 *
 * @param options.deterministic allow only backends that give the same bits on every machine
 * @throws BenchError `unknown-name`; `unsupported` that says what to install
 */
export async function chooseBackend(
  name: BackendName,
  { deterministic = false }: { readonly deterministic?: boolean } = {},
): Promise<Omit<ExecutorChoice, 'kind'>> {
  if (!backendNames.includes(name)) throw unknownName('backend', name, backendNames)
  const [portable] = deterministicBackends
  if (name === 'auto') {
    return deterministic ? { backend: portable, reason: 'the same bits on every machine' } : bestBackend(portable)
  }
  const entry = entryOf(name)
  if (deterministic && !entry.deterministic) {
    const remedy = `use ${portable}`
    throw new BenchError('unsupported', `backend ${name} does not give the same bits on every machine; ${remedy}`)
  }
  const { available, detail } = await entry.probe()
  if (!available) throw new BenchError('unsupported', `backend ${name} is not available here: ${detail}`)
  return { backend: name, reason: 'as asked for' }
}

/**
 * Chooses the first backend that computes on a GPU. Without a GPU it chooses `portable`, because libtensorflow on the
 * CPU takes several times as much processor time on small networks.
 */
async function bestBackend(portable: Backend): Promise<Omit<ExecutorChoice, 'kind'>> {
  for (const { name, probe } of entries) {
    const { gpu } = await probe()
    if (gpu !== undefined) return { backend: name, reason: `it computes on a GPU: ${gpu}` }
  }
  return { backend: portable, reason: 'no other backend has a GPU here' }
}

/**
 * Returns the kind of executor that a user's choice means on a backend. @throws BenchError `unsupported` if the user
 * chose `static` and the backend has no static executor
 */
function kindOf(backend: Backend, executor: ExecutorOptions['executor'] = 'auto'): ExecutorChoice['kind'] {
  const hasStatic = entryOf(backend).open.static !== undefined
  if (executor === 'tfjs' || (executor === 'auto' && !hasStatic)) return 'tfjs'
  if (hasStatic) return 'static'
  const others = entries.filter(({ open }) => open.static).map(({ name }) => name)
  const remedy = `use --backend ${deterministicBackends[0]}`
  throw new BenchError(
    'unsupported',
    `the static executor runs on ${others.join(' and ')}, not on ${backend}; ${remedy}`,
  )
}

/**
 * Returns the function that loads the backend's kernels with fused multiply-adds. @throws BenchError `unsupported` if
 * `fastMath` does not apply
 */
function requireFusible(
  backend: Backend,
  kind: ExecutorChoice['kind'],
  { deterministic }: Pick<ExecutorOptions, 'deterministic'>,
): BackendEntry['loadFusedKernels'] {
  if (deterministic) throw new BenchError('unsupported', 'fast math does not give the same bits on every machine')
  const { loadFusedKernels } = entryOf(backend)
  if (kind === 'static' && loadFusedKernels) return loadFusedKernels
  const fusible = entries.filter((entry) => entry.loadFusedKernels).map(({ name }) => name)
  const remedy = `use --backend ${fusible[0]} without --executor tfjs, or leave --fast-math out`
  throw new BenchError(
    'unsupported',
    `--fast-math is for ${fusible.map((name) => `static/${name}`).join(', ')}, and this would be ${kind}/${backend}; ${remedy}`,
  )
}
