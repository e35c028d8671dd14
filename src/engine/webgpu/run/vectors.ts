/** Weight vectors in GPU memory and their arithmetic: copying, scaled addition, scaling, scalar products and norms. */
import { BenchError } from '../../../core/errors.ts'
import type { WeightVector } from '../../../core/executor.ts'
import { pluralize } from '../../../core/plainText.ts'
import type { Device } from '../device/device.ts'
import type { Kernel } from '../device/kernel.ts'
import type { Readback } from '../device/transfers.ts'
import { RunNumbers } from '../device/transfers.ts'
import { axpy, DOT_PARTS, dot, scale } from '../kernels/vector.ts'
import { fixedGrid, type Grid } from '../plan/program.ts'

/**
 * Creates vectors as long as all weights of one network in GPU memory, and does vector arithmetic on them (scaled
 * addition, scaling, scalar product).
 */
export class VectorSpace {
  readonly device: Device
  readonly readback: Readback
  readonly length: number
  readonly #run: RunNumbers
  readonly #args: GPUBuffer
  readonly #parts: GPUBuffer
  readonly #all: GPUBuffer[] = []
  readonly #free: GPUBuffer[] = []

  constructor(device: Device, readback: Readback, length: number) {
    this.device = device
    this.readback = readback
    this.length = length
    this.#run = new RunNumbers(device)
    this.#args = device.uniform(16)
    this.#parts = device.buffer(4 * DOT_PARTS, 'a scalar product')
    device.gpu.queue.writeBuffer(this.#args, 0, Uint32Array.of(length))
  }

  /** Returns a weight vector of zeros. @throws BenchError `unsupported` if it is larger than the GPU allows */
  vector(): DeviceVector {
    const buffer = this.#free.pop() ?? this.#make()
    this.device.submit((encoder) => encoder.clearBuffer(buffer))
    let inUse = true
    return new DeviceVector(this, buffer, () => {
      if (inUse) this.#free.push(buffer)
      inUse = false
    })
  }

  /** Computes y ← y + factor·x on the GPU; x and y must be different buffers. */
  axpy(y: GPUBuffer, factor: number, x: GPUBuffer): void {
    this.#run.set({ factor })
    this.#dispatch(axpy, { x, y }, fixedGrid(this.length))
  }

  /** Computes y ← factor·y on the GPU. */
  scale(y: GPUBuffer, factor: number): void {
    this.#run.set({ factor })
    this.#dispatch(scale, { y }, fixedGrid(this.length))
  }

  /**
   * Returns the scalar product x·y. The GPU computes partial sums in single precision, the host adds them up in double
   * precision.
   */
  async dot(x: GPUBuffer, y: GPUBuffer): Promise<number> {
    this.#dispatch(dot, { x, y, parts: this.#parts }, () => [DOT_PARTS, 1, 1])
    const parts = await this.readback.fetch(this.#parts, 4 * DOT_PARTS)
    return parts.reduce((sum, part) => sum + part, 0)
  }

  /** Frees the GPU buffers of all weight vectors that were created here. Their users need not have disposed of them. */
  dispose(): void {
    for (const buffer of [this.#run.buffer, this.#args, this.#parts, ...this.#all]) buffer.destroy()
  }

  #make(): GPUBuffer {
    const buffer = this.device.buffer(4 * this.length, 'a weight vector')
    this.#all.push(buffer)
    return buffer
  }

  #dispatch<B extends string>(kernel: Kernel<B>, buffers: Readonly<Record<B, GPUBuffer>>, grid: Grid): void {
    const { pipeline, layout } = this.device.compile(kernel)
    const named = Object.keys(kernel.buffers) as B[]
    const all = [this.#run.buffer, this.#args, ...named.map((name) => buffers[name])]
    const entries = all.map((buffer, binding) => ({ binding, resource: { buffer } }))
    const bindings = this.device.gpu.createBindGroup({ layout, entries })
    this.device.submit((encoder) => {
      const pass = encoder.beginComputePass()
      pass.setPipeline(pipeline)
      pass.setBindGroup(0, bindings)
      pass.dispatchWorkgroups(...grid(0, this.device.mostWorkgroups))
      pass.end()
    })
  }
}

/** A weight vector of a network in a GPU buffer. */
export class DeviceVector implements WeightVector {
  readonly length: number
  readonly #space: VectorSpace
  readonly #buffer: GPUBuffer
  readonly #release: () => void

  constructor(space: VectorSpace, buffer: GPUBuffer, release: () => void = () => {}) {
    this.length = space.length
    this.#space = space
    this.#buffer = buffer
    this.#release = release
  }

  assign(x: WeightVector): void {
    const from = this.#bufferOf(x)
    if (from === this.#buffer) return
    this.#space.device.submit((encoder) => encoder.copyBufferToBuffer(from, 0, this.#buffer, 0, 4 * this.length))
  }

  axpy(a: number, x: WeightVector): void {
    const other = this.#bufferOf(x)
    // A kernel cannot bind a buffer for reading and for writing.
    if (other === this.#buffer) this.#space.scale(this.#buffer, 1 + a)
    else this.#space.axpy(this.#buffer, a, other)
  }

  scale(a: number): void {
    this.#space.scale(this.#buffer, a)
  }

  async dot(x: WeightVector): Promise<number> {
    return this.#space.dot(this.#buffer, this.#bufferOf(x))
  }

  async norm(): Promise<number> {
    return Math.sqrt(await this.#space.dot(this.#buffer, this.#buffer))
  }

  read(): Promise<Float32Array> {
    return this.#space.readback.fetch(this.#buffer, 4 * this.length)
  }

  write(values: Float32Array): void {
    if (values.length !== this.length) {
      throw new BenchError('bad-input', `a weight vector has ${pluralize(this.length, 'number')}, not ${values.length}`)
    }
    this.#space.device.write(this.#buffer, values)
  }

  dispose(): void {
    this.#release()
  }

  #bufferOf(x: WeightVector): GPUBuffer {
    if (x instanceof DeviceVector && x.#space === this.#space) return x.#buffer
    throw new BenchError('bad-input', 'weight vectors of different networks cannot be combined; read and write instead')
  }
}
