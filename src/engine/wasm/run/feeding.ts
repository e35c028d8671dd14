/** Writes a feed into the arena: images, labels, drop-path scales, noise, and each term's coefficient. */
import { BenchError } from '../../../core/errors.ts'
import type { Feed } from '../../../core/executor.ts'
import type { Network } from '../../../core/network.ts'
import { checkFeed, checkLabels } from '../../feed.ts'
import { coefficientGradient, weightOf } from '../../graph/terms.ts'
import { drawNoise } from '../../noise.ts'
import type { Arena } from '../module/module.ts'
import type { Plan } from '../plan/plan.ts'

export class Feeding {
  readonly #plan: Plan
  readonly #arena: Arena
  readonly #network: Network
  readonly #batchSize: number
  readonly #flags: Uint8Array

  /** @param flags room for one an activity */
  constructor(plan: Plan, arena: Arena, network: Network, batchSize: number, flags: Uint8Array) {
    this.#plan = plan
    this.#arena = arena
    this.#network = network
    this.#batchSize = batchSize
    this.#flags = flags
  }

  /**
   * @returns the activity flags of this feed; undefined where everything runs
   * @throws BenchError `bad-input` where sizes are not the network's
   */
  write(feed: Feed): Uint8Array | undefined {
    checkFeed(this.#network, this.#batchSize, feed)
    checkLabels(this.#network, feed)
    const { batch, active } = feed
    const { layout, activity } = this.#plan
    this.#arena.batch = batch.size
    this.#arena.floats.set(batch.images, layout.images / 4)
    this.#arena.integers.set(batch.labels, layout.labels / 4)
    this.#writePathScales(feed)
    const flags = active === undefined ? undefined : this.#flags
    if (active !== undefined) activity.resolve(active, this.#flags)
    this.#writeTerms(feed.coefficients, flags)
    this.#writeNoise(feed, flags)
    return flags
  }

  /** ∂L/∂c from what the kernels left. */
  coefficientGradient(coefficients: Float64Array, flags: Uint8Array | undefined): Float64Array {
    const { terms, termTable } = this.#plan
    const { doubles } = this.#arena
    return coefficientGradient(terms, coefficients, flags, (term) => doubles[termTable.gradients / 8 + term])
  }

  /** @param cotangent [batch, classes] */
  writeCotangent(cotangent: Float32Array, samples: number): void {
    const expected = samples * this.#network.classes
    if (cotangent.length !== expected) {
      throw new BenchError('bad-input', `cotangent has ${cotangent.length} numbers; batch × classes is ${expected}`)
    }
    this.#arena.floats.set(cotangent, this.#plan.layout.cotangent / 4)
  }

  #writeTerms(coefficients: Float64Array | undefined, flags: Uint8Array | undefined): void {
    const { terms, termTable } = this.#plan
    const { floats, integers } = this.#arena
    for (let term = 0; term < terms.length; term++) {
      floats[termTable.coefficients / 4 + term] = weightOf(terms[term], coefficients)
      integers[termTable.enabled / 4 + term] = flags === undefined ? 1 : flags[terms[term].flag]
    }
  }

  #writeNoise({ batch }: Feed, flags: Uint8Array | undefined): void {
    for (const { site, address, shape, condition } of this.#plan.noises) {
      if (flags !== undefined && condition >= 0 && flags[condition] === 0) continue
      this.#arena.floats.set(drawNoise(batch, site, shape), address / 4)
    }
  }

  #writePathScales({ pathScales, batch }: Feed): void {
    const { pathCount } = this.#network
    const { floats } = this.#arena
    const base = this.#plan.layout.pathScales / 4
    for (let path = 0; path < pathCount; path++) {
      const start = base + path * this.#batchSize
      if (pathScales === undefined) floats.fill(1, start, start + batch.size)
      else floats.set(pathScales.subarray(path * batch.size, (path + 1) * batch.size), start)
    }
  }
}
