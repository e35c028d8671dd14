/**
 * Transfers data between the host and the GPU: writes the values that change from run to run (`RUN_FIELDS`), and reads
 * results back.
 */
import type { Device } from './device.ts'
import { RUN_FIELDS } from './kernel.ts'

export type RunField = keyof typeof RUN_FIELDS

const FIELDS = Object.keys(RUN_FIELDS) as RunField[]

/**
 * The uniform buffer with the values that change from run to run (batch size, learning rate, …); it is the WGSL
 * variable `run` of all kernels.
 */
export class RunNumbers {
  readonly buffer: GPUBuffer
  readonly #device: Device
  readonly #words = new ArrayBuffer(Math.ceil(FIELDS.length / 4) * 16)
  readonly #floats = new Float32Array(this.#words)
  readonly #integers = new Uint32Array(this.#words)

  constructor(device: Device) {
    this.#device = device
    this.buffer = device.uniform(this.#words.byteLength)
  }

  /**
   * Writes the given values for all dispatches that are submitted from now on; fields that are not given keep their
   * values.
   */
  set(values: Partial<Readonly<Record<RunField, number>>>): void {
    FIELDS.forEach((name, i) => {
      const value = values[name]
      if (value === undefined) return
      if (RUN_FIELDS[name] === 'f32') this.#floats[i] = value
      else this.#integers[i] = value
    })
    this.#device.gpu.queue.writeBuffer(this.buffer, 0, this.#words)
  }
}

/**
 * GPU results on their way to the host: the mappable buffer to which they are copied, and their size. The copy is
 * encoded, but possibly not yet executed.
 */
export interface Staged {
  readonly buffer: GPUBuffer
  readonly bytes: number
}

/** Reads GPU buffers by copying them to buffers that the host can map; the mappable buffers are reused. */
export class Readback {
  readonly #device: Device
  readonly #free: GPUBuffer[] = []

  constructor(device: Device) {
    this.#device = device
  }

  /**
   * Encodes a copy of `bytes` bytes of a GPU buffer; pass the result to `read` after submission.
   * @param offset position in `source` at which the copy starts, in bytes
   */
  stage(encoder: GPUCommandEncoder, source: GPUBuffer, offset: number, bytes: number): Staged {
    const buffer = this.#take(bytes)
    encoder.copyBufferToBuffer(source, offset, buffer, 0, bytes)
    return { buffer, bytes }
  }

  /** Waits for a submitted copy and returns its floats. @throws BenchError `failed` if the GPU was lost */
  async read({ buffer, bytes }: Staged): Promise<Float32Array> {
    await this.#device.settled(buffer.mapAsync(GPUMapMode.READ, 0, bytes))
    const numbers = new Float32Array(buffer.getMappedRange(0, bytes).slice(0))
    buffer.unmap()
    this.#free.push(buffer)
    return numbers
  }

  /** Reads the first `bytes` bytes of a GPU buffer and returns them as floats. */
  async fetch(source: GPUBuffer, bytes: number): Promise<Float32Array> {
    if (bytes === 0) return new Float32Array()
    return this.read(this.#device.submit((encoder) => this.stage(encoder, source, 0, bytes)))
  }

  dispose(): void {
    for (const buffer of this.#free.splice(0)) buffer.destroy()
  }

  /** Returns the smallest free mappable buffer that is large enough, or a new one. */
  #take(bytes: number): GPUBuffer {
    const [best] = this.#free.filter(({ size }) => size >= bytes).sort((a, b) => a.size - b.size)
    if (best === undefined) {
      return this.#device.gpu.createBuffer({ size: bytes, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST })
    }
    this.#free.splice(this.#free.indexOf(best), 1)
    return best
  }
}
