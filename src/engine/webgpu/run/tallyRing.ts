/**
 * Collects the losses and numbers of correct predictions of batches. The GPU writes one tally (loss and counts) per
 * batch into a ring buffer; the host reads the tallies only when it needs their sum or the ring is full, so that
 * training steps need not wait for the host.
 */
import type { Tally } from '../../../core/executor.ts'
import { TallySum } from '../../plan/executable.ts'
import type { Device } from '../device/device.ts'
import type { Readback } from '../device/transfers.ts'

/**
 * Number of floats of a batch's tally: loss, samples classified correctly, samples whose label is among the five
 * largest logits, samples.
 */
export const TALLY_LENGTH = 4

/** Returns the tally (loss and counts of a batch) that begins at index `at` of an array of tallies. */
export function tallyAt(numbers: Float32Array, at: number): Tally {
  const [loss, correct, correct5, samples] = numbers.subarray(at, at + TALLY_LENGTH)
  return { loss, correct, correct5, samples }
}

/** Adds up the tallies (loss and counts of correct predictions) of many batches. */
export class TallyRing {
  readonly #device: Device
  readonly #readback: Readback
  readonly #results: GPUBuffer
  readonly #first: number
  readonly #capacity: number
  readonly #sum = new TallySum()
  #used = 0

  /**
   * Creates an empty ring.
   *
   * @param results the GPU buffer that contains the ring
   * @param first index of the ring's first tally among all tallies in `results`
   * @param capacity number of tallies in the ring
   */
  constructor(device: Device, readback: Readback, results: GPUBuffer, first: number, capacity: number) {
    this.#device = device
    this.#readback = readback
    this.#results = results
    this.#first = first
    this.#capacity = capacity
  }

  /** Returns the index of the tally that the next batch must write; if the ring is full, reads and empties it first. */
  async next(): Promise<number> {
    if (this.#used === this.#capacity) await this.#collect()
    return this.#first + this.#used++
  }

  /** Returns the sum of the tallies of all batches since the last call; the loss is NaN if there was no batch. */
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
