/** Writes a feed into the arena: images, labels, drop-path scales, and each term's coefficient. */
import { BenchError } from '../../core/errors.ts'
import type { Feed } from '../../core/executor.ts'
import type { Network } from '../../core/network.ts'
import { checkFeed } from '../feed.ts'
import type { Arena } from './module.ts'
import type { Plan } from './plan.ts'

export class Feeding {
  readonly #plan: Plan
  readonly #arena: Arena
  readonly #network: Network
  readonly #batchSize: number
  readonly #flags: Uint8Array

  constructor(plan: Plan, arena: Arena, network: Network, batchSize: number) {
    this.#plan = plan
    this.#arena = arena
    this.#network = network
    this.#batchSize = batchSize
    this.#flags = new Uint8Array(plan.activity.count)
  }

  /**
   * @returns the activity flags of this feed; undefined where everything runs
   * @throws BenchError `bad-input` where sizes are not the network's
   */
  write(feed: Feed): Uint8Array | undefined {
    checkFeed(this.#network, this.#batchSize, feed)
    this.#checkLabels(feed)
    const { batch, active } = feed
    const { layout, activity } = this.#plan
    this.#arena.batch = batch.size
    this.#arena.floats.set(batch.images, layout.images / 4)
    this.#arena.integers.set(batch.labels, layout.labels / 4)
    this.#writePathScales(feed)
    const flags = active === undefined ? undefined : this.#flags
    if (active !== undefined) activity.resolve(active, this.#flags)
    this.#writeTerms(feed.coefficients, flags)
    return flags
  }

  /** ∂L/∂c_k = Σ over the terms with factor c_k of ∂L/∂(Π factors)·(Π of the other factors). */
  coefficientGradient(coefficients: Float64Array, flags: Uint8Array | undefined): Float64Array {
    const { terms, termTable } = this.#plan
    const { doubles } = this.#arena
    const result = new Float64Array(this.#network.coefficientCount)
    terms.forEach(({ factors, flag }, term) => {
      if (flags !== undefined && flags[flag] === 0) return
      const gradient = doubles[termTable.gradients / 8 + term]
      factors.forEach((factor, i) => {
        result[factor] += factors.reduce(
          (product, other, j) => (i === j ? product : product * coefficients[other]),
          gradient,
        )
      })
    })
    return result
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
      const { factors, flag } = terms[term]
      let product = 1
      if (coefficients !== undefined) for (const factor of factors) product *= coefficients[factor]
      floats[termTable.coefficients / 4 + term] = product
      integers[termTable.enabled / 4 + term] = flags === undefined ? 1 : flags[flag]
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

  #checkLabels({ batch }: Feed): void {
    const { classes } = this.#network
    const sample = batch.labels.findIndex((label) => !(label >= 0 && label < classes))
    if (sample < 0) return
    const label = batch.labels[sample]
    throw new BenchError('bad-input', `sample ${sample} has label ${label}, but the network has ${classes} classes`)
  }
}
