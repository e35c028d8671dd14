/** Writes a feed to the device: images, labels, drop-path scales, noise, and each term's coefficient. */
import type { Feed } from '../../../core/executor.ts'
import { drawNoises, type FeedNumbers } from '../../plan/feedNumbers.ts'
import type { Device } from '../device/device.ts'
import type { Plan } from '../lower/index.ts'

export class Feeding {
  readonly #device: Device
  readonly #plan: Plan
  readonly #numbers: FeedNumbers
  /** The flags where everything runs. */
  readonly #open: Uint32Array
  /** Of all terms the products of their factors, then whether they count. */
  readonly #terms: Float32Array

  constructor(device: Device, plan: Plan, numbers: FeedNumbers) {
    this.#device = device
    this.#plan = plan
    this.#numbers = numbers
    this.#open = new Uint32Array(plan.activity.count).fill(1)
    this.#terms = new Float32Array(2 * plan.terms.length)
  }

  /** @returns the activity flags of this feed; undefined where everything runs */
  write(feed: Feed): Uint8Array | undefined {
    const { feeds, noises } = this.#plan
    const { batch } = feed
    const flags = this.#numbers.take(feed)
    this.#terms.set(this.#numbers.factors)
    this.#terms.set(this.#numbers.enabled, this.#numbers.factors.length)
    this.#write(feeds.images, batch.images)
    this.#write(feeds.labels, batch.labels)
    this.#write(feeds.pathScales, this.#numbers.pathScales)
    this.#write(feeds.terms, this.#terms)
    this.#write(this.#plan.flags, flags === undefined ? this.#open : Uint32Array.from(flags))
    for (const [buffer, numbers] of drawNoises(feed, noises, flags)) this.#write(buffer, numbers)
    return flags
  }

  /** @param cotangent [batch, classes] */
  writeCotangent(cotangent: Float32Array): void {
    this.#write(this.#plan.feeds.cotangent, cotangent)
  }

  #write(buffer: GPUBuffer, numbers: Float32Array | Int32Array | Uint32Array): void {
    if (numbers.length === 0) return
    const { buffer: memory, byteOffset, byteLength } = numbers
    this.#device.gpu.queue.writeBuffer(buffer, 0, memory as ArrayBuffer, byteOffset, byteLength)
  }
}
