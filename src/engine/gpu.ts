/** WebGPU in Node: Dawn, from the optional package `webgpu`. */
import { importOptional, isInstalled } from './optionalPackage.ts'

/** The GPU that WebGPU would use. */
export interface GpuDescription {
  readonly name: string
  /** No GPU at all, but its software emulation. */
  readonly isSoftware: boolean
}

interface DawnModule {
  create(flags: readonly string[]): GPU
  readonly globals: Readonly<Record<string, unknown>>
}

let dawn: Promise<DawnModule> | undefined

/** Dawn, with the constants of WebGPU put where browsers have them. */
function loadDawn(): Promise<DawnModule> {
  dawn ??= importOptional<DawnModule>('webgpu').then((module) => {
    Object.assign(globalThis, module.globals)
    return module
  })
  return dawn
}

let shared: Promise<GPU> | undefined

/** The WebGPU of this process for others, also put where browsers have it: `navigator.gpu`. */
export function webGpu(): Promise<GPU> {
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
 * Our kernels write workgroup memory before they read it: that it starts as zeros costs time on every device, and with
 * SwiftShader most of the time that a kernel takes to compile.
 */
const OWN_FLAGS = ['enable-dawn-features=disable_workgroup_init']

let own: Promise<GPU> | undefined

/** The fastest adapter, for kernels of our own; undefined without Dawn, or where there is no GPU that WebGPU can use. */
export async function gpuAdapter(): Promise<GPUAdapter | undefined> {
  if (!isInstalled('webgpu')) return undefined
  own ??= loadDawn().then(({ create }) => create(OWN_FLAGS))
  return (await (await own).requestAdapter({ powerPreference: 'high-performance' })) ?? undefined
}

/** Undefined without Dawn, or where there is no GPU that WebGPU can use. */
export async function describeGpu(): Promise<GpuDescription | undefined> {
  const adapter = await gpuAdapter()
  return adapter && describeAdapter(adapter)
}

export function describeAdapter({ info }: GPUAdapter): GpuDescription {
  const { description, vendor, architecture, isFallbackAdapter } = info
  return { name: description || `${vendor} ${architecture}`, isSoftware: isFallbackAdapter }
}
