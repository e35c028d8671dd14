/** A GPU device with all that its adapter allows, the kernels compiled on it, and what became of it. */
import { setTimeout } from 'node:timers/promises'
import { BenchError } from '../../../core/errors.ts'
import { describeAdapter, type GpuDescription, gpuAdapter } from '../../gpu.ts'
import { FIRST_BUFFER, type Kernel, sourceOf } from './kernel.ts'

export interface CompiledKernel {
  readonly pipeline: GPUComputePipeline
  readonly layout: GPUBindGroupLayout
}

/** Of the limits, what buffers and kernels of ours can meet. */
const WANTED_LIMITS = ['maxBufferSize', 'maxStorageBufferBindingSize', 'maxStorageBuffersPerShaderStage'] as const

/** Submissions that may wait on the device before the host does. */
const LARGEST_BACKLOG = 3

/** How long the news of a loss may take. */
const LOSS_MS = 1000

export class Device {
  readonly gpu: GPUDevice
  readonly description: GpuDescription
  readonly #kernels = new Map<string, CompiledKernel>()
  readonly #backlog: Promise<unknown>[] = []
  #failure: string | undefined

  private constructor(gpu: GPUDevice, description: GpuDescription) {
    this.gpu = gpu
    this.description = description
    gpu.lost.then(({ message }) => {
      this.#failure ??= `the GPU was lost (${firstLine(message) || 'no reason given'})`
    })
    gpu.onuncapturederror = ({ error }) => {
      this.#failure ??= `the GPU refused its work (${firstLine(error.message)})`
    }
  }

  /**
   * @param limits of buffers and bindings: the largest that the adapter has, or those that every device promises
   * @throws BenchError `unsupported` where there is no GPU
   */
  static async open(limits: 'largest' | 'promised' = 'largest'): Promise<Device> {
    const adapter = await gpuAdapter()
    if (adapter === undefined) {
      throw new BenchError('unsupported', 'no GPU adapter was found; use --backend wasm')
    }
    const wanted = limits === 'largest' ? WANTED_LIMITS : []
    const requiredLimits = Object.fromEntries(wanted.map((name) => [name, adapter.limits[name]]))
    return new Device(await adapter.requestDevice({ requiredLimits }), describeAdapter(adapter))
  }

  /** Storage buffers that one kernel can name. */
  get bindings(): number {
    return this.gpu.limits.maxStorageBuffersPerShaderStage
  }

  /**
   * Workgroups of a kernel that goes round its items: as many as there are items for on a GPU, few where a processor
   * emulates one and starting a thread costs more than an item.
   */
  get mostWorkgroups(): number {
    return this.description.isSoftware ? 1 : this.gpu.limits.maxComputeWorkgroupsPerDimension
  }

  /** @throws BenchError `failed` where the GPU was lost or refused what it was given */
  check(): void {
    if (this.#failure === undefined) return
    throw new BenchError('failed', `${this.#failure}; the same command goes on from the last checkpoint`)
  }

  /** What a promise of the GPU says, or why the GPU is not there any more. */
  async settled<T>(promise: Promise<T>): Promise<T> {
    try {
      return await promise
    } catch (error) {
      // A driver may refuse the work before it says that the GPU is lost.
      await Promise.race([this.gpu.lost, setTimeout(LOSS_MS, undefined, { ref: false })])
      this.check()
      throw error
    }
  }

  /** What `make` returns, and in the end the first error of that kind while it ran: such errors do not end the device. */
  watch<T>(kind: GPUErrorFilter, make: () => T): { readonly made: T; readonly error: Promise<GPUError | null> } {
    this.gpu.pushErrorScope(kind)
    const pop = () => {
      const error = this.settled(this.gpu.popErrorScope())
      // Not all who watch ask in the end.
      error.catch(() => undefined)
      return error
    }
    try {
      return { made: make(), error: pop() }
    } catch (thrown) {
      pop()
      throw thrown
    }
  }

  /** Bytes that one buffer can have for a kernel to name it. */
  get largestBinding(): number {
    const { maxBufferSize, maxStorageBufferBindingSize } = this.gpu.limits
    return Math.min(maxBufferSize, maxStorageBufferBindingSize)
  }

  /** @throws BenchError `unsupported` where one buffer cannot be so large; @param what names it */
  checkSize(bytes: number, what: string): void {
    const limit = this.largestBinding
    if (bytes <= limit) return
    throw new BenchError(
      'unsupported',
      `${what} needs a buffer of ${megabytes(bytes)}, but ${this.description.name} allows ${megabytes(limit)}; ` +
        'use a smaller batch',
    )
  }

  /** A zeroed storage buffer that can be copied from and to. @throws as `checkSize` */
  buffer(bytes: number, what: string): GPUBuffer {
    this.checkSize(bytes, what)
    const { STORAGE, COPY_SRC, COPY_DST } = GPUBufferUsage
    return this.gpu.createBuffer({ size: Math.max(16, bytes), usage: STORAGE | COPY_SRC | COPY_DST })
  }

  /** Numbers that kernels read as their `args` and `run`. */
  uniform(bytes: number): GPUBuffer {
    return this.gpu.createBuffer({ size: bytes, usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST })
  }

  /** Compiles kernels side by side, so that `compile` finds them. */
  async prepare(kernels: readonly Kernel[]): Promise<void> {
    const sources = new Map(kernels.map((kernel) => [sourceOf(kernel), kernel]))
    const missing = [...sources].filter(([source]) => !this.#kernels.has(source))
    const compiling = missing.map(async ([source, kernel]) => {
      const { layout, descriptor } = this.#describe(kernel, source)
      this.#kernels.set(source, { layout, pipeline: await this.gpu.createComputePipelineAsync(descriptor) })
    })
    await this.settled(Promise.all(compiling))
  }

  /** The kernel on this device; equal kernels are one. */
  compile(kernel: Kernel): CompiledKernel {
    const source = sourceOf(kernel)
    let compiled = this.#kernels.get(source)
    if (compiled === undefined) {
      const { layout, descriptor } = this.#describe(kernel, source)
      compiled = { layout, pipeline: this.gpu.createComputePipeline(descriptor) }
      this.#kernels.set(source, compiled)
    }
    return compiled
  }

  #describe({ name, buffers }: Kernel, source: string) {
    const { gpu } = this
    const visibility = GPUShaderStage.COMPUTE
    const storage = Object.values<string>(buffers).map((access, i): GPUBindGroupLayoutEntry => {
      const type = access.startsWith('read') ? 'read-only-storage' : 'storage'
      return { binding: FIRST_BUFFER + i, visibility, buffer: { type } }
    })
    const uniforms = [0, 1].map((binding): GPUBindGroupLayoutEntry => ({ binding, visibility, buffer: {} }))
    const layout = gpu.createBindGroupLayout({ entries: [...uniforms, ...storage] })
    const descriptor: GPUComputePipelineDescriptor = {
      label: name,
      layout: gpu.createPipelineLayout({ bindGroupLayouts: [layout] }),
      compute: { module: gpu.createShaderModule({ label: name, code: source }), entryPoint: 'main' },
    }
    return { layout, descriptor }
  }

  /** Runs what is encoded. → what `encode` returns; @throws BenchError `failed` where the GPU is lost */
  submit<T>(encode: (encoder: GPUCommandEncoder) => T): T {
    this.check()
    const encoder = this.gpu.createCommandEncoder()
    const result = encode(encoder)
    this.gpu.queue.submit([encoder.finish()])
    this.#backlog.push(this.gpu.queue.onSubmittedWorkDone().catch(() => undefined))
    return result
  }

  /** Waits where the device is far behind, so that work does not pile up. */
  async pace(): Promise<void> {
    while (this.#backlog.length > LARGEST_BACKLOG) await this.#backlog.shift()
    this.check()
  }
}

const firstLine = (message: string) => message.split('\n')[0]

export const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MB`
