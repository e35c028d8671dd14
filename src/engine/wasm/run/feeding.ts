/** Writes a feed into the arena: images, labels, drop-path scales, noise, and each term's coefficient. */
import type { Feed } from '../../../core/executor.ts'
import { coefficientGradient } from '../../graph/terms.ts'
import { drawNoises, type FeedNumbers } from '../../plan/feedNumbers.ts'
import type { Arena } from '../module/module.ts'
import type { Plan } from '../plan/plan.ts'

export class Feeding {
  readonly #plan: Plan
  readonly #arena: Arena
  readonly #numbers: FeedNumbers

  constructor(plan: Plan, arena: Arena, numbers: FeedNumbers) {
    this.#plan = plan
    this.#arena = arena
    this.#numbers = numbers
  }

  /** @returns the activity flags of this feed; undefined where everything runs */
  write(feed: Feed): Uint8Array | undefined {
    const { layout, termTable, noises } = this.#plan
    const { floats, integers } = this.#arena
    const { batch } = feed
    const flags = this.#numbers.take(feed)
    this.#arena.batch = batch.size
    floats.set(batch.images, layout.images / 4)
    integers.set(batch.labels, layout.labels / 4)
    floats.set(this.#numbers.pathScales, layout.pathScales / 4)
    floats.set(this.#numbers.factors, termTable.coefficients / 4)
    integers.set(this.#numbers.enabled, termTable.enabled / 4)
    for (const [address, numbers] of drawNoises(feed, noises, flags)) floats.set(numbers, address / 4)
    return flags
  }

  /** @param cotangent [batch, classes] */
  writeCotangent(cotangent: Float32Array): void {
    this.#arena.floats.set(cotangent, this.#plan.layout.cotangent / 4)
  }

  /** ∂L/∂c from what the kernels left. */
  coefficientGradient(coefficients: Float64Array, flags: Uint8Array | undefined): Float64Array {
    const { terms, termTable } = this.#plan
    const { doubles } = this.#arena
    return coefficientGradient(terms, coefficients, flags, (term) => doubles[termTable.gradients / 8 + term])
  }
}
