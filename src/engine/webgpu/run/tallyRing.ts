/** Tallies that the device writes one after the other, and the host reads when it wants to know, or when there is no room. */
import type { Tally } from '../../../core/executor.ts'
import { TallySum } from '../../plan/tally.ts'
import type { Device } from '../device/device.ts'
import type { Readback } from '../device/readback.ts'

/** Numbers of a tally: loss, correct, correct5, samples. */
export const TALLY_LENGTH = 4

/** The tally that stands at `at` numbers. */
export function tallyAt(numbers: Float32Array, at: number): Tally {
  const [loss, correct, correct5, samples] = numbers.subarray(at, at + TALLY_LENGTH)
  return { loss, correct, correct5, samples }
}

export class TallyRing {
  readonly #device: Device
  readonly #readback: Readback
  readonly #results: GPUBuffer
  readonly #first: number
  readonly #capacity: number
  readonly #sum = new TallySum()
  #used = 0

  /** @param first number of the first tally in `results` that is this ring's */
  constructor(device: Device, readback: Readback, results: GPUBuffer, first: number, capacity: number) {
    this.#device = device
    this.#readback = readback
    this.#results = results
    this.#first = first
    this.#capacity = capacity
  }

  /** Where the next run's tally goes. */
  async next(): Promise<number> {
    if (this.#used === this.#capacity) await this.#collect()
    return this.#first + this.#used++
  }

  /** What was added since the last call; the loss of nothing is NaN. */
  async take(): Promise<Tally> {
    await this.#collect()
    return this.#sum.take()
  }

  async #collect(): Promise<void> {
    if (this.#used === 0) return
    const bytes = 4 * TALLY_LENGTH
    const staged = this.#device.submit((encoder) =>
      this.#readback.stage(encoder, this.#results, this.#first * bytes, this.#used * bytes),
    )
    const numbers = await this.#readback.read(staged)
    for (let at = 0; at < numbers.length; at += TALLY_LENGTH) this.#sum.add(tallyAt(numbers, at))
    this.#used = 0
  }
}
