/** Writes a feed into the memory of a plan: images, labels, drop-path scales, noise and the coefficient of each term. */
import type { Feed } from '../../../core/executor.ts'
import { coefficientGradient } from '../../graph/terms.ts'
import { drawNoises, type FeedNumbers } from '../../plan/feedNumbers.ts'
import type { Plan } from '../lower/plan.ts'
import type { Arena } from '../module/module.ts'

export class Feeding {
  readonly #plan: Plan
  readonly #arena: Arena
  readonly #numbers: FeedNumbers

  constructor(plan: Plan, arena: Arena, numbers: FeedNumbers) {
    this.#plan = plan
    this.#arena = arena
    this.#numbers = numbers
  }

  /** Writes a feed. → its activity flags; undefined if every call runs */
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

  /** Writes ∂L/∂logits, [batch, classes], in place of a loss. */
  writeCotangent(cotangent: Float32Array): void {
    this.#arena.floats.set(cotangent, this.#plan.layout.cotangent / 4)
  }

  /** Reads ∂L/∂c of every mixing coefficient after a backward pass. */
  coefficientGradient(coefficients: Float64Array, flags: Uint8Array | undefined): Float64Array {
    const { terms, termTable } = this.#plan
    const { doubles } = this.#arena
    return coefficientGradient(terms, coefficients, flags, (term) => doubles[termTable.gradients / 8 + term])
  }
}
