/** Finds out which backends this machine has, without loading TensorFlow.js, and chooses one. */
import { BenchError } from '../core/errors.ts'
import { unknownName } from '../core/names.ts'
import { describeGpu } from './gpu.ts'
import { hasPart, isInstalled } from './optionalPackage.ts'

/** The backend names that a user may type; `auto` is the best backend that this machine has. */
export const backendNames = ['auto', 'tensorflow', 'webgpu', 'wasm', 'cpu'] as const
export type BackendName = (typeof backendNames)[number]
export type Backend = Exclude<BackendName, 'auto'>

export interface BackendReport {
  readonly backend: Backend
  readonly available: boolean
  /** The device it runs on, or what to install. */
  readonly detail: string
}

export interface BackendChoice {
  readonly backend: Backend
  /** Why this backend was chosen, for messages. */
  readonly reason: string
}

/** The package with libtensorflow for NVIDIA GPUs. */
const WITH_GPU = '@tensorflow/tfjs-node-gpu'
/** The packages with libtensorflow, in order of preference. */
const TENSORFLOW_PACKAGES = [WITH_GPU, '@tensorflow/tfjs-node'] as const

const NO_ADAPTER =
  'no GPU adapter was found; a Vulkan, Metal or Direct3D 12 driver is needed (docs/backends.md: what servers lack)'

const inspect: Readonly<Record<Backend, () => Promise<Omit<BackendReport, 'backend'>>>> = {
  async tensorflow() {
    const found = tensorflowPackage()
    if (found !== undefined) return { available: true, detail: found }
    const unbuilt = TENSORFLOW_PACKAGES.find(isInstalled)
    const missing = 'npm install -D @tensorflow/tfjs-node (or tfjs-node-gpu with an NVIDIA GPU)'
    return {
      available: false,
      detail: unbuilt ? `${unbuilt} lacks its native part; docs/backends.md builds it` : missing,
    }
  },
  async webgpu() {
    if (!isInstalled('webgpu')) return { available: false, detail: 'npm install -D webgpu' }
    const gpu = await describeGpu()
    if (gpu === undefined) return { available: false, detail: NO_ADAPTER }
    return { available: true, detail: gpu.isSoftware ? `${gpu.name} (emulated, slow)` : gpu.name }
  },
  wasm: async () => ({ available: true, detail: 'WebAssembly with SIMD, threads where a step is large' }),
  cpu: async () => ({ available: true, detail: 'plain JavaScript, slow' }),
}

/** Returns the installed package whose native libtensorflow is present, if there is one. */
export const tensorflowPackage = () => TENSORFLOW_PACKAGES.find((name) => isInstalled(name) && hasPart(name, 'lib'))

/** Reports for every backend, fastest first, whether it is available and else what is missing. */
export const backendReports = (): Promise<BackendReport[]> =>
  Promise.all((Object.keys(inspect) as Backend[]).map(reportOf))

const reportOf = async (backend: Backend): Promise<BackendReport> => ({ backend, ...(await inspect[backend]()) })

/**
 * Chooses the backend behind a name.
 *
 * @param options.deterministic allow only backends that give the same bits on every machine
 * @throws BenchError `unknown-name`; `unsupported` that says what to install
 */
export async function chooseBackend(
  name: BackendName,
  options: { deterministic?: boolean } = {},
): Promise<BackendChoice> {
  if (!backendNames.includes(name)) throw unknownName('backend', name, backendNames)
  if (name === 'auto') return options.deterministic ? deterministicChoice : bestBackend()
  if (options.deterministic && !isDeterministic(name)) {
    throw new BenchError('unsupported', `backend ${name} does not give the same bits on every machine; use wasm`)
  }
  const { available, detail } = await reportOf(name)
  if (!available) throw new BenchError('unsupported', `backend ${name} is not available here: ${detail}`)
  return { backend: name, reason: 'as asked for' }
}

/** Tells whether a backend computes on a GPU; a software emulation of a GPU does not count. */
export async function usesGpu(backend: Backend): Promise<boolean> {
  if (backend === 'webgpu') return (await describeGpu())?.isSoftware === false
  return backend === 'tensorflow' && tensorflowPackage() === WITH_GPU
}

export const isDeterministic = (backend: Backend) => backend === 'wasm' || backend === 'cpu'

const deterministicChoice: BackendChoice = { backend: 'wasm', reason: 'the same bits on every machine' }

/**
 * Chooses a GPU backend if there is one, else WebAssembly: on small networks libtensorflow without a GPU takes several
 * times its processor time.
 */
async function bestBackend(): Promise<BackendChoice> {
  if (await usesGpu('tensorflow')) return { backend: 'tensorflow', reason: `${WITH_GPU} is installed` }
  const webgpu = await reportOf('webgpu')
  if (await usesGpu('webgpu')) return { backend: 'webgpu', reason: webgpu.detail }
  return { backend: 'wasm', reason: `there is neither ${WITH_GPU} nor a GPU for WebGPU` }
}
