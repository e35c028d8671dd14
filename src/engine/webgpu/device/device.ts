/**
 * Opens the GPU, compiles kernels, creates buffers, submits work, and reports whether the GPU was lost.
 */
import { setTimeout } from 'node:timers/promises'
import { BenchError } from '../../../core/errors.ts'
import { firstLine } from '../../../core/plainText.ts'
import { describeAdapter, type GpuDescription, gpuAdapter } from './gpu.ts'
import { FIRST_BUFFER, type Kernel, sourceOf } from './kernel.ts'

/** A kernel compiled for the GPU: its WebGPU pipeline and the layout of its bindings. */
export interface CompiledKernel {
  readonly pipeline: GPUComputePipeline
  readonly layout: GPUBindGroupLayout
}

/**
 * The WebGPU limits that are raised from their defaults to what the adapter allows: the sizes of buffers and bindings,
 * and the number of storage buffers per kernel.
 */
const WANTED_LIMITS = ['maxBufferSize', 'maxStorageBufferBindingSize', 'maxStorageBuffersPerShaderStage'] as const

/** The host waits when the GPU has more unfinished command buffers than this. */
const LARGEST_BACKLOG = 3

/** How many milliseconds to wait, after the GPU has rejected work, for WebGPU's report that the GPU was lost. */
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
   * Opens the GPU.
   *
   * @param limits which limits on buffers and bindings to request: `largest`, all that the adapter offers; `promised`,
   * the smaller ones that WebGPU guarantees on every device
   * @param options.timestamps whether kernels can be timed on the GPU (feature `timestamp-query`, not rounded), for
   * benchmarks
   * @throws BenchError `unsupported` if there is no GPU, or `timestamps` is set and the GPU has none
   */
  static async open(
    limits: 'largest' | 'promised' = 'largest',
    { timestamps = false }: { readonly timestamps?: boolean } = {},
  ): Promise<Device> {
    const adapter = await gpuAdapter({ exactTimestamps: timestamps })
    if (adapter === undefined) {
      throw new BenchError('unsupported', 'no GPU adapter was found; use --backend wasm')
    }
    const wanted = limits === 'largest' ? WANTED_LIMITS : []
    const requiredLimits = Object.fromEntries(wanted.map((name) => [name, adapter.limits[name]]))
    if (timestamps && !adapter.features.has('timestamp-query')) {
      throw new BenchError('unsupported', `${describeAdapter(adapter).name} has no timestamps (timestamp-query)`)
    }
    const requiredFeatures: GPUFeatureName[] = timestamps ? ['timestamp-query'] : []
    return new Device(await adapter.requestDevice({ requiredLimits, requiredFeatures }), describeAdapter(adapter))
  }

  /** The number of storage buffers that one kernel can bind on this device. */
  get bindings(): number {
    return this.gpu.limits.maxStorageBuffersPerShaderStage
  }

  /**
   * The most workgroups to launch for a kernel whose threads can each compute several items (`eachItem`): WebGPU's
   * limit per dimension on a real GPU; 1 on a GPU that the CPU emulates, where starting a thread costs more than
   * computing an item.
   */
  get mostWorkgroups(): number {
    return this.description.isSoftware ? 1 : this.gpu.limits.maxComputeWorkgroupsPerDimension
  }

  /** Throws if the GPU has failed. @throws BenchError `failed` if the GPU was lost or rejected work */
  check(): void {
    if (this.#failure === undefined) return
    throw new BenchError('failed', `${this.#failure}; the same command goes on from the last checkpoint`)
  }

  /**
   * Awaits a WebGPU promise and returns its result.
   *
   * @throws BenchError `failed` if the GPU was lost; otherwise the error with which the promise is rejected
   */
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

  /**
   * Calls `make` and catches the GPU errors of one kind that `make` causes, so that they do not count as a failure of
   * the device.
   *
   * @returns the result of `make`, and a promise that resolves to the first such error, or to null if there is none
   */
  watch<T>(kind: GPUErrorFilter, make: () => T): { readonly made: T; readonly error: Promise<GPUError | null> } {
    this.gpu.pushErrorScope(kind)
    const pop = () => {
      const error = this.settled(this.gpu.popErrorScope())
      // A caller may drop this promise; its rejection must not end the process then.
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

  /** The size of the largest buffer that a kernel can bind on this device, in bytes. */
  get largestBinding(): number {
    const { maxBufferSize, maxStorageBufferBindingSize } = this.gpu.limits
    return Math.min(maxBufferSize, maxStorageBufferBindingSize)
  }

  /**
   * Checks that the device allows a buffer of the given size.
   *
   * @param what description of the buffer for the error message
   * @throws BenchError `unsupported` if the buffer is too large
   */
  checkSize(bytes: number, what: string): void {
    const limit = this.largestBinding
    if (bytes <= limit) return
    throw new BenchError(
      'unsupported',
      `${what} needs a buffer of ${megabytes(bytes)}, but ${this.description.name} allows ${megabytes(limit)}; ` +
        'use a smaller batch',
    )
  }

  /**
   * Creates a storage buffer of zeros, which other GPU buffers can be copied from and to.
   *
   * @param what description of the buffer for error messages
   * @throws BenchError `unsupported` if the buffer is too large
   */
  buffer(bytes: number, what: string): GPUBuffer {
    this.checkSize(bytes, what)
    const { STORAGE, COPY_SRC, COPY_DST } = GPUBufferUsage
    return this.gpu.createBuffer({ size: Math.max(16, bytes), usage: STORAGE | COPY_SRC | COPY_DST })
  }

  /**
   * Creates a uniform buffer: for the fixed arguments of kernels (`args` in WGSL), or for the values that change from
   * run to run (`run`).
   */
  uniform(bytes: number): GPUBuffer {
    return this.gpu.createBuffer({ size: bytes, usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST })
  }

  /** Compiles the given kernels concurrently and caches them, so that `compile` need not compile them any more. */
  async prepare(kernels: readonly Kernel[]): Promise<void> {
    const sources = new Map(kernels.map((kernel) => [sourceOf(kernel), kernel]))
    const missing = [...sources].filter(([source]) => !this.#kernels.has(source))
    const compiling = missing.map(async ([source, kernel]) => {
      const { layout, descriptor } = this.#describe(kernel, source)
      this.#kernels.set(source, { layout, pipeline: await this.gpu.createComputePipelineAsync(descriptor) })
    })
    await this.settled(Promise.all(compiling))
  }

  /** Returns the compiled kernel; kernels with the same source are compiled once. */
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

  /** Copies an array from the host to the beginning of a GPU buffer. */
  write(target: GPUBuffer, numbers: Float32Array | Int32Array | Uint32Array): void {
    if (numbers.length === 0) return
    const { buffer, byteOffset, byteLength } = numbers
    this.gpu.queue.writeBuffer(target, 0, buffer as ArrayBuffer, byteOffset, byteLength)
  }

  /**
   * Submits the GPU commands that `encode` writes to the encoder, and returns the result of `encode`.
   *
   * @throws BenchError `failed` if the GPU was lost
   */
  submit<T>(encode: (encoder: GPUCommandEncoder) => T): T {
    this.check()
    const encoder = this.gpu.createCommandEncoder()
    const result = encode(encoder)
    this.gpu.queue.submit([encoder.finish()])
    this.#backlog.push(this.gpu.queue.onSubmittedWorkDone().catch(() => undefined))
    return result
  }

  /** Waits until the GPU has at most `LARGEST_BACKLOG` unfinished command buffers, so that work does not pile up. */
  async pace(): Promise<void> {
    while (this.#backlog.length > LARGEST_BACKLOG) await this.#backlog.shift()
    this.check()
  }
}

/** Formats a number of bytes as whole megabytes (2^20 bytes), for example `12 MB`. */
export const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MB`
