/** Opens WebGPU in Node through Dawn, from the optional package `webgpu`. */
import { importOptional, isInstalled } from '../../../system/optionalPackage.ts'

/** The GPU that WebGPU would use. */
export interface GpuDescription {
  readonly name: string
  /** Whether it is a software emulation and no GPU. */
  readonly isSoftware: boolean
}

/** The part of the package `webgpu` that we use. */
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
 * Turns off the zeroing of workgroup memory for our own kernels, which write it before they read it. Zeroing costs time
 * on every device, and on SwiftShader it is most of the time that a kernel takes to compile.
 */
const OWN_FLAGS = ['enable-dawn-features=disable_workgroup_init']

let own: Promise<GPU> | undefined

/** Returns the fastest adapter for our own kernels; undefined without Dawn or without a GPU that WebGPU can use. */
export async function gpuAdapter(): Promise<GPUAdapter | undefined> {
  if (!isInstalled('webgpu')) return undefined
  own ??= loadDawn().then(({ create }) => create(OWN_FLAGS))
  return (await (await own).requestAdapter({ powerPreference: 'high-performance' })) ?? undefined
}

/** Describes the GPU; undefined without Dawn or without a GPU that WebGPU can use. */
export async function describeGpu(): Promise<GpuDescription | undefined> {
  const adapter = await gpuAdapter()
  return adapter && describeAdapter(adapter)
}

/** Returns the name of an adapter, and whether a processor emulates it. */
export function describeAdapter({ info }: GPUAdapter): GpuDescription {
  const { description, vendor, architecture, isFallbackAdapter } = info
  return { name: description || `${vendor} ${architecture}`, isSoftware: isFallbackAdapter }
}
