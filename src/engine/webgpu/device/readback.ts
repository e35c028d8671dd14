/** Numbers that come back from the device: copied into a buffer that the host can map, of which a few are kept. */
import type { Device } from './device.ts'

/** Bytes of a buffer, on their way. */
export interface Staged {
  readonly buffer: GPUBuffer
  readonly bytes: number
}

export class Readback {
  readonly #device: Device
  readonly #free: GPUBuffer[] = []

  constructor(device: Device) {
    this.#device = device
  }

  /** To be encoded behind what computes them. */
  stage(encoder: GPUCommandEncoder, source: GPUBuffer, offset: number, bytes: number): Staged {
    const buffer = this.#take(bytes)
    encoder.copyBufferToBuffer(source, offset, buffer, 0, bytes)
    return { buffer, bytes }
  }

  /** After submission. @throws BenchError `failed` where the GPU was lost */
  async read({ buffer, bytes }: Staged): Promise<Float32Array> {
    await this.#device.settled(buffer.mapAsync(GPUMapMode.READ, 0, bytes))
    const numbers = new Float32Array(buffer.getMappedRange(0, bytes).slice(0))
    buffer.unmap()
    this.#free.push(buffer)
    return numbers
  }

  /** All of a buffer's first bytes, at once. */
  async fetch(source: GPUBuffer, bytes: number): Promise<Float32Array> {
    if (bytes === 0) return new Float32Array()
    return this.read(this.#device.submit((encoder) => this.stage(encoder, source, 0, bytes)))
  }

  dispose(): void {
    for (const buffer of this.#free.splice(0)) buffer.destroy()
  }

  /** The smallest free one that is large enough, or a new one. */
  #take(bytes: number): GPUBuffer {
    const [best] = this.#free.filter(({ size }) => size >= bytes).sort((a, b) => a.size - b.size)
    if (best === undefined) {
      return this.#device.gpu.createBuffer({ size: bytes, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST })
    }
    this.#free.splice(this.#free.indexOf(best), 1)
    return best
  }
}
