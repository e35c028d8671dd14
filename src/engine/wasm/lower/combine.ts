/**
 * Lowers a weighted sum, Σ_t c_t·norm_t(value_t). Forward: compute mean and variance of each normalised term, then its
 * scale
 * and shift, then add up all terms in one pass. Backward, with g = ∂L/∂output: one pass computes Σ g and for each term
 * Σ g·(value − μ); ∂L/∂c and the gradients of normalised terms follow from these sums (`differentiate` in
 * kernels/norm.ts). A term without normalisation receives c·g.
 */
import type { ValueId } from '../../../core/network.ts'
import type { Of } from '../../graph/graph.ts'
import type { Temporary } from '../../plan/placement.ts'
import type { Backward } from '../../plan/rules.ts'
import type { When } from '../plan/program.ts'
import type { Context } from './context.ts'
import { NormTerm } from './terms/normTerm.ts'
import { PlainTerm } from './terms/plainTerm.ts'
import type { TermEmitter } from './terms/term.ts'

export function lowerCombine(context: Context, { terms, output }: Of<'combine'>, index: number): Backward {
  const emitters = terms.map((term, part): TermEmitter => {
    const slot = context.termSlot(index, part)
    const own = context.activity.partCondition(index, part)
    const { norm } = term
    return norm === null ? new PlainTerm(context, term, slot, own) : new NormTerm(context, { ...term, norm }, slot, own)
  })
  const node = new Node(context, emitters, output, context.activity.condition(index))
  node.forward()
  return () => {
    const gradient = context.outputGradient(output)
    if (gradient !== undefined) node.backward(gradient)
  }
}

class Node {
  readonly #context: Context
  readonly #terms: readonly TermEmitter[]
  readonly #output: ValueId
  readonly #condition: number

  constructor(context: Context, terms: readonly TermEmitter[], output: ValueId, condition: number) {
    this.#context = context
    this.#terms = terms
    this.#output = output
    this.#condition = condition
  }

  forward(): void {
    const { program } = this.#context
    const terms = this.#terms
    for (const term of terms) term.prepare()
    const rows = program.table(terms.flatMap(({ row }) => row))
    for (const { value } of terms) program.touch(value)
    program.emit(
      'combine',
      { terms: rows, count: terms.length, output: this.#context.value(this.#output), ...this.#extents() },
      { condition: this.#condition },
    )
  }

  backward(gradient: Temporary): void {
    const gradientSums = this.#context.program.reserve(this.#extents().channels * 8)
    this.#reduceProducts(gradient, gradientSums)
    for (const term of this.#terms) term.backward(gradient, gradientSums)
  }

  /** Plain terms are projected on only where the gradient wrt the coefficients is wanted. */
  #reduceProducts(gradient: Temporary, gradientSums: number): void {
    const normalised = this.#terms.filter(({ projected }) => projected === 'always')
    const wanted = this.#terms.filter(({ projected }) => projected !== 'never')
    if (wanted.length > normalised.length) {
      this.#reduceProductsOf(wanted, gradient, gradientSums, 'coefficients')
      this.#reduceProductsOf(normalised, gradient, gradientSums, 'no-coefficients')
    } else {
      this.#reduceProductsOf(normalised, gradient, gradientSums, 'always')
    }
  }

  #reduceProductsOf(projected: readonly TermEmitter[], gradient: Temporary, gradientSums: number, when: When): void {
    const count = projected.length
    if (count === 0) return
    const { program } = this.#context
    const options = { condition: this.#condition, when }
    const { channels } = this.#extents()
    const terms = program.table(projected.flatMap(({ projection }) => projection))
    for (const { value } of projected) program.touch(value)
    const rows = this.#context.chunkRows(this.#output, (1 + count) * channels, `projections on value ${this.#output}`)
    const common = { terms, count, rows, ...this.#extents() }
    program.emit('reduceProducts', { gradient, ...common }, options)
    program.emit('addPartialProducts', { ...common, gradientSums }, options)
  }

  #extents(): { readonly pixelsPerSample: number; readonly channels: number } {
    const { pixelsPerSample, channels } = this.#context.extent(this.#output)
    return { pixelsPerSample, channels }
  }
}
