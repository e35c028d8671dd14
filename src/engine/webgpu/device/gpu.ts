/** Opens WebGPU in Node.js through Dawn (Chromium's WebGPU library), from the optional npm package `webgpu`. */
import { importOptional, isInstalled } from '../../../system/optionalPackage.ts'

/** Describes the GPU that WebGPU would use. */
export interface GpuDescription {
  readonly name: string
  /** Whether the GPU is only emulated by the processor. */
  readonly isSoftware: boolean
}

/** The type of the npm package `webgpu`, as far as this program uses it. */
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

let own: Promise<GPU> | undefined

/**
 * Returns the fastest WebGPU adapter, for this program's own kernels; undefined if the package `webgpu` is not
 * installed or there is no GPU that WebGPU can use.
 */
export async function gpuAdapter(): Promise<GPUAdapter | undefined> {
  if (!isInstalled('webgpu')) return undefined
  own ??= loadDawn().then(({ create }) => create(OWN_FLAGS))
  return (await (await own).requestAdapter({ powerPreference: 'high-performance' })) ?? undefined
}

/**
 * Returns a description of the GPU; undefined if the package `webgpu` is not installed or there is no GPU that WebGPU
 * can use.
 */
export async function describeGpu(): Promise<GpuDescription | undefined> {
  const adapter = await gpuAdapter()
  return adapter && describeAdapter(adapter)
}

/** Returns the name of a WebGPU adapter, and whether it is only emulated by the processor. */
export function describeAdapter({ info }: GPUAdapter): GpuDescription {
  const { description, vendor, architecture, isFallbackAdapter } = info
  return { name: description || `${vendor} ${architecture}`, isSoftware: isFallbackAdapter }
}
