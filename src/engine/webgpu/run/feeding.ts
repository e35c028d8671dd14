/** Writes a feed to the device: images, labels, drop-path scales, noise, and each term's coefficient. */
import { BenchError } from '../../../core/errors.ts'
import type { Feed } from '../../../core/executor.ts'
import type { Network } from '../../../core/network.ts'
import { checkFeed, checkLabels } from '../../feed.ts'
import { weightOf } from '../../graph/terms.ts'
import { drawNoise } from '../../noise.ts'
import type { Device } from '../device/device.ts'
import type { Plan } from '../plan/plan.ts'

export class Feeding {
  readonly #device: Device
  readonly #plan: Plan
  readonly #network: Network
  readonly #batchSize: number
  readonly #flags: Uint8Array
  /** The flags where everything runs. */
  readonly #open: Uint32Array
  readonly #terms: Float32Array
  readonly #scales: Float32Array

  constructor(device: Device, plan: Plan, network: Network, batchSize: number) {
    this.#device = device
    this.#plan = plan
    this.#network = network
    this.#batchSize = batchSize
    this.#flags = new Uint8Array(plan.activity.count)
    this.#open = new Uint32Array(plan.activity.count).fill(1)
    this.#terms = new Float32Array(2 * plan.terms.length)
    this.#scales = new Float32Array(batchSize * network.pathCount)
  }

  /**
   * @returns the activity flags of this feed; undefined where everything runs
   * @throws BenchError `bad-input` where sizes are not the network's
   */
  write(feed: Feed): Uint8Array | undefined {
    checkFeed(this.#network, this.#batchSize, feed)
    checkLabels(this.#network, feed)
    const { batch, active } = feed
    const { images, labels } = this.#plan.feeds
    this.#write(images, batch.images)
    this.#write(labels, batch.labels)
    this.#writePathScales(feed)
    const flags = active === undefined ? undefined : this.#flags
    if (active !== undefined) this.#plan.activity.resolve(active, this.#flags)
    this.#writeNoise(feed, flags)
    this.#writeTerms(feed.coefficients, flags)
    this.#write(this.#plan.flags, flags === undefined ? this.#open : Uint32Array.from(flags))
    return flags
  }

  /** @param cotangent [batch, classes] */
  writeCotangent(cotangent: Float32Array, samples: number): void {
    const expected = samples * this.#network.classes
    if (cotangent.length !== expected) {
      throw new BenchError('bad-input', `cotangent has ${cotangent.length} numbers; batch × classes is ${expected}`)
    }
    this.#write(this.#plan.feeds.cotangent, cotangent)
  }

  #writeTerms(coefficients: Float64Array | undefined, flags: Uint8Array | undefined): void {
    const { terms, feeds } = this.#plan
    terms.forEach((term, i) => {
      this.#terms[i] = weightOf(term, coefficients)
      this.#terms[terms.length + i] = flags === undefined ? 1 : flags[term.flag]
    })
    this.#write(feeds.terms, this.#terms)
  }

  #writeNoise({ batch }: Feed, flags: Uint8Array | undefined): void {
    for (const { site, buffer, shape, condition } of this.#plan.noises) {
      if (flags !== undefined && condition >= 0 && flags[condition] === 0) continue
      this.#write(buffer, drawNoise(batch, site, shape))
    }
  }

  #writePathScales({ pathScales, batch }: Feed): void {
    const { pathCount } = this.#network
    for (let path = 0; path < pathCount; path++) {
      const start = path * this.#batchSize
      if (pathScales === undefined) this.#scales.fill(1, start, start + batch.size)
      else this.#scales.set(pathScales.subarray(path * batch.size, (path + 1) * batch.size), start)
    }
    this.#write(this.#plan.feeds.pathScales, this.#scales)
  }

  #write(buffer: GPUBuffer, numbers: Float32Array | Int32Array | Uint32Array): void {
    if (numbers.length === 0) return
    const { buffer: memory, byteOffset, byteLength } = numbers
    this.#device.gpu.queue.writeBuffer(buffer, 0, memory as ArrayBuffer, byteOffset, byteLength)
  }
}
