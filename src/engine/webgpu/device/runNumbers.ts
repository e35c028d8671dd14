/** The numbers that change from run to run, as all kernels see them. */
import type { Device } from './device.ts'
import { RUN_FIELDS } from './kernel.ts'

export type RunField = keyof typeof RUN_FIELDS

const FIELDS = Object.keys(RUN_FIELDS) as RunField[]

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

  /** For everything submitted from here on. Fields that are not named stay. */
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
