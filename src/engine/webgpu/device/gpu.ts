/** Opens WebGPU in Node.js through Dawn (Chromium's WebGPU library), from the optional npm package `webgpu`. */
import { BenchError } from '../../../core/errors.ts'
import { importOptional, isInstalled } from '../../../system/optionalPackage.ts'

/** The name of a GPU, and whether it is real or emulated. */
export interface GpuDescription {
  readonly name: string
  /** Whether the GPU is emulated by the CPU. */
  readonly isSoftware: boolean
}

/** The exports of the npm package `webgpu` that this program uses. */
interface DawnModule {
  create(flags: readonly string[]): GPU
  readonly globals: Readonly<Record<string, unknown>>
}

let dawn: Promise<DawnModule> | undefined

/** Loads Dawn and defines the global WebGPU constants that browsers have. */
function loadDawn(): Promise<DawnModule> {
  dawn ??= importOptional<DawnModule>('webgpu').then((module) => {
    Object.assign(globalThis, module.globals)
    return module
  })
  return dawn
}

let shared: Promise<GPU> | undefined

/** Opens the WebGPU instance that TensorFlow.js uses, and defines it as `navigator.gpu`, where browsers have it. */
export function defineNavigatorGpu(): Promise<GPU> {
  shared ??= loadDawn().then(({ create }) => {
    const gpu = create([])
    // Node 20 has no navigator; from 21 on it is there and cannot be replaced, but extended.
    const scope = globalThis as { navigator?: object }
    if (scope.navigator === undefined) Object.defineProperty(scope, 'navigator', { value: {} })
    Object.defineProperty(scope.navigator, 'gpu', { value: gpu, configurable: true })
    return gpu
  })
  return shared
}

/**
 * Dawn flags for this program's own kernels: they turn off the zeroing of workgroup memory, which these kernels write
 * before they read it. Zeroing costs time on every device; on SwiftShader (Dawn's software GPU) it is most of the time
 * that a kernel takes to compile.
 */
const OWN_FLAGS = ['enable-dawn-features=disable_workgroup_init']

/** Dawn flag that turns off the rounding of timestamps to 0.1 ms. */
const EXACT_TIMESTAMPS = 'disable-dawn-features=timestamp_quantization'

/**
 * Name of the environment variable that chooses among several GPUs: the program uses the first GPU whose name contains
 * the variable's value. `bench run` sets it for each worker process.
 */
export const GPU_VARIABLE = 'NAS_BENCH_GPU'

let own: Promise<GPU> | undefined

/**
 * Returns the WebGPU adapter on which this program's own kernels run: the GPU that the environment variable
 * `NAS_BENCH_GPU` names, otherwise the fastest. Undefined if the package `webgpu` is not installed or there is no GPU
 * that WebGPU can use.
 *
 * @param options.exactTimestamps whether GPU timestamps are exact instead of rounded; only the first call in a process
 * can choose
 * @throws BenchError `unsupported` if no GPU has the name; the message lists the names that exist
 */
export async function gpuAdapter({ exactTimestamps = false } = {}): Promise<GPUAdapter | undefined> {
  if (!isInstalled('webgpu')) return undefined
  const name = process.env[GPU_VARIABLE] ?? ''
  const flags = [...OWN_FLAGS, ...(exactTimestamps ? [EXACT_TIMESTAMPS] : []), ...(name ? [`adapter=${name}`] : [])]
  own ??= loadDawn().then(({ create }) => create(flags))
  try {
    return (await (await own).requestAdapter({ powerPreference: 'high-performance' })) ?? undefined
  } catch (cause) {
    if (name === '') throw cause
    const names = namesIn((cause as Error).message)
    const known = names.length > 0 ? `WebGPU finds ${names.join(', ')}` : 'WebGPU finds none'
    throw new BenchError('unsupported', `no GPU is named "${name}" (${GPU_VARIABLE}); ${known}`, { cause })
  }
}

/** A name that no GPU has. Dawn answers a request for it with a message that lists the existing names. */
const NO_NAME = 'no GPU has this name'

/** Extracts the GPU names from an error message of Dawn. */
const namesIn = (message: string): string[] =>
  [...message.matchAll(/^ \* backend: .*, name: '(.*)'$/gm)].map(([, n]) => n)

/**
 * Returns the names of the GPUs over which worker processes are distributed: those of the same vendor as the GPU that
 * WebGPU prefers, so that no process runs on a slow second GPU. Dawn selects GPUs by name only, so several equal GPUs
 * are listed once. If the user has set `NAS_BENCH_GPU`, the result is its value alone.
 */
export async function gpuNames(): Promise<readonly string[]> {
  const chosen = process.env[GPU_VARIABLE] ?? ''
  if (chosen !== '') return [chosen]
  const preferred = await gpuAdapter()
  if (preferred === undefined) return []
  const { create } = await loadDawn()
  const message = await create([`adapter=${NO_NAME}`])
    .requestAdapter()
    .then(
      () => '',
      (error: Error) => error.message,
    )
  const { vendor, isFallbackAdapter } = preferred.info
  const names: string[] = []
  for (const name of new Set(namesIn(message))) {
    const info = (await create([`adapter=${name}`]).requestAdapter())?.info
    if (info?.vendor === vendor && info.isFallbackAdapter === isFallbackAdapter) names.push(name)
  }
  return names
}

/**
 * Describes the GPU that this program uses; undefined if the package `webgpu` is not installed or there is no GPU that
 * WebGPU can use.
 */
export async function describeGpu(): Promise<GpuDescription | undefined> {
  const adapter = await gpuAdapter()
  return adapter && describeAdapter(adapter)
}

/** Returns the name of the GPU behind a WebGPU adapter, and whether the CPU emulates it. */
export function describeAdapter({ info }: GPUAdapter): GpuDescription {
  const { description, vendor, architecture, isFallbackAdapter } = info
  return { name: description || `${vendor} ${architecture}`, isSoftware: isFallbackAdapter }
}
