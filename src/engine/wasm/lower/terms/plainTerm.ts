/** Lowers a term without normalisation, c·value. */
import type { Term } from '../../../graph/graph.ts'
import type { Temporary } from '../../../plan/placement.ts'
import type { Word } from '../../plan/program.ts'
import type { Context, TermSlot } from '../context.ts'
import type { TermEmitter } from './term.ts'

export class PlainTerm implements TermEmitter {
  readonly value: Temporary
  readonly row: readonly Word[]
  readonly projection: readonly Word[]
  readonly projected: 'coefficients' | 'never'
  readonly #context: Context
  readonly #term: Term
  readonly #slot: TermSlot
  readonly #condition: number
  readonly #scale: number
  readonly #sums: number

  constructor(context: Context, term: Term, slot: TermSlot, condition: number) {
    const { program } = context
    const { channels } = context.extent(term.value)
    this.#context = context
    this.#term = term
    this.#slot = slot
    this.#condition = condition
    this.#scale = program.reserve(channels * 8)
    this.#sums = program.reserve(channels * 8)
    this.value = context.value(term.value)
    this.row = [this.value, this.#scale, slot.enabled, 0]
    this.projection = [this.value, context.zeros(channels), slot.enabled, this.#sums]
    this.projected = term.factors.length > 0 ? 'coefficients' : 'never'
  }

  prepare(): void {
    const { channels } = this.#context.extent(this.#term.value)
    this.#context.program.emit(
      'prepare',
      { coefficient: this.#slot.coefficient, moments: 0, gamma: 0, beta: 0, scale: this.#scale, channels, dense: 0 },
      { condition: this.#condition },
    )
  }

  backward(gradient: Temporary): void {
    const { program } = this.#context
    const condition = this.#condition
    const { pixelsPerSample, channels } = this.#context.extent(this.#term.value)
    if (this.projected === 'coefficients') {
      const result = this.#slot.gradient
      program.emit('total', { sums: this.#sums, channels, result }, { condition, when: 'coefficients' })
    }
    const target = this.#context.gradient(this.#term.value)
    if (target === undefined) return
    const accumulate = target.accumulate(condition)
    const { coefficient } = this.#slot
    program.emit(
      'combinePlainGradient',
      { gradient, coefficient, result: target.buffer, pixelsPerSample, channels, accumulate },
      { condition },
    )
  }
}
