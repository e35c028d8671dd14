/** WebGPU in Node: Dawn, from the optional package `webgpu`. */
import { importOptional } from './optionalPackage.ts'

/** Of the WebGPU standard, what is read here. */
export interface Gpu {
  requestAdapter(options?: { powerPreference?: 'high-performance' }): Promise<GpuAdapter | null>
}

export interface GpuAdapter {
  readonly info: {
    readonly vendor: string
    readonly architecture: string
    readonly description: string
    readonly isFallbackAdapter?: boolean
  }
}

/** The GPU that WebGPU would use. */
export interface GpuDescription {
  readonly name: string
  /** No GPU at all, but its software emulation. */
  readonly isSoftware: boolean
}

interface DawnModule {
  create(flags: readonly string[]): Gpu
  readonly globals: Readonly<Record<string, unknown>>
}

let instance: Promise<Gpu> | undefined

/** The one WebGPU instance of this process, also put where browsers have it: `navigator.gpu`. */
export function webGpu(): Promise<Gpu> {
  instance ??= startDawn()
  return instance
}

async function startDawn(): Promise<Gpu> {
  const { create, globals } = await importOptional<DawnModule>('webgpu')
  const gpu = create([])
  Object.assign(globalThis, globals)
  // Node 20 has no navigator; from 21 on it is there and cannot be replaced, but extended.
  const scope = globalThis as { navigator?: object }
  if (scope.navigator === undefined) Object.defineProperty(scope, 'navigator', { value: {} })
  Object.defineProperty(scope.navigator, 'gpu', { value: gpu, configurable: true })
  return gpu
}

/** Undefined where there is no GPU that WebGPU can use. */
export async function describeGpu(): Promise<GpuDescription | undefined> {
  const adapter = await (await webGpu()).requestAdapter({ powerPreference: 'high-performance' })
  if (adapter === null) return undefined
  const { description, vendor, architecture, isFallbackAdapter = false } = adapter.info
  return { name: description || `${vendor} ${architecture}`, isSoftware: isFallbackAdapter }
}
