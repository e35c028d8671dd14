/**
 * Emits the kernel calls of a weighted sum Σ_t c_t·norm_t(value_t), whose terms have mixing coefficients c_t and,
 * optionally, a batch norm norm_t.
 *
 * Forward: compute mean μ and variance of the value of each term with batch norm, then its scale and shift, then add up
 * all terms in one call. Backward, with g = ∂L/∂output: compute Σ g and for each term Σ g·(value − μ); from these sums
 * follow ∂L/∂c and the gradients of terms with batch norm (`differentiate` in kernels/norm.ts). The gradient of the
 * value of a term without batch norm is c·g.
 */
import type { ValueId } from '../../../core/network.ts'
import type { Norm, Of, Term } from '../../graph/graph.ts'
import type { Backward } from '../../plan/lowering.ts'
import type { Temporary } from '../../plan/placement.ts'
import type { When, Word } from '../plan/program.ts'
import type { Context, TermSlot } from './context.ts'

/** Emits the kernel calls of one weighted sum (a `combine` operation), forward and backward. */
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

/** Emits the kernel calls of one weighted sum, term by term. */
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

  /**
   * Emits the calls that compute Σ g and, for each term, Σ g·(value − μ), where g is the gradient of the weighted sum
   * and μ the mean of the term's value. Terms without batch norm need these sums only in runs that compute the gradient
   * of the mixing coefficients.
   */
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

/**
 * Emits the kernel calls of one term of a weighted sum. There is one class for terms with batch norm, and one for terms
 * without.
 */
export interface TermEmitter {
  readonly value: Temporary
  /**
   * The term's four words in the table that the `combine` kernel reads: the addresses of the value, of scale and shift,
   * and of the activity flag, then 0.
   */
  readonly row: readonly Word[]
  /**
   * The term's four words in the table that the `reduceProducts` kernel reads: the addresses of the value, its means,
   * the activity flag and the sums.
   */
  readonly projection: readonly Word[]
  /**
   * In which backward passes the term needs Σ g·(value − μ), g being the gradient of the weighted sum: `always` (terms
   * with batch norm), in passes that compute the gradient of the mixing `coefficients`, or `never` (terms without a
   * mixing coefficient and without batch norm).
   */
  readonly projected: 'always' | 'coefficients' | 'never'
  /**
   * Emits the calls that compute the scale and the shift with which the `combine` kernel turns the term's value into
   * scale·value + shift.
   */
  prepare(): void
  /**
   * Emits the calls that compute, from the term's sums, the gradients of its mixing coefficient, of the batch norm's γ
   * and β, and of the term's value.
   */
  backward(gradient: Temporary, gradientSums: number): void
}

/** Emits the kernel calls of a term without batch norm, c·value, where c is its mixing coefficient. */
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

/**
 * Emits the kernel calls of a term with batch norm, c·(γ·(value − μ)·r + β) with r = 1/√(variance + ε) and mixing
 * coefficient c. The equations of its gradient are in kernels/norm.ts.
 */
export class NormTerm implements TermEmitter {
  readonly value: Temporary
  readonly row: readonly Word[]
  readonly projection: readonly Word[]
  readonly projected = 'always'
  readonly #context: Context
  readonly #term: Term
  readonly #norm: Norm
  readonly #slot: TermSlot
  readonly #condition: number
  readonly #extents: { readonly channels: number; readonly dense: number; readonly pixelsPerSample: number }
  /** Byte addresses of the batch norm's parameters γ and β in WebAssembly memory; 0 for a batch norm without them. */
  readonly #affine: { readonly gamma: number; readonly beta: number }
  /**
   * Byte address of the means of all channels, then the variances of all channels, by which the term's value is
   * normalised.
   */
  readonly #moments: number
  /**
   * Byte address of the scales of all channels, then the shifts of all channels; the term is scale·value + shift.
   */
  readonly #scale: number
  /**
   * Byte address of three vectors, [channels] each: slope, curve and offset. The gradient of the term's value is
   * slope·g + curve·value + offset, where g is the gradient of the weighted sum.
   */
  readonly #slopes: number
  /**
   * Byte address of the term's Σ g·(value − μ), one float64 for each channel; g is the gradient of the weighted sum, μ
   * the channel's mean.
   */
  readonly #sums: number

  constructor(context: Context, term: Term & { readonly norm: Norm }, slot: TermSlot, condition: number) {
    const { program } = context
    const { channels, pixelsPerSample } = context.extent(term.value)
    const { affine } = term.norm
    this.#context = context
    this.#term = term
    this.#norm = term.norm
    this.#slot = slot
    this.#condition = condition
    this.#extents = { channels, dense: context.shape(term.value).channels, pixelsPerSample }
    this.#affine = affine
      ? { gamma: context.parameter(affine.scale), beta: context.parameter(affine.shift) }
      : { gamma: 0, beta: 0 }
    this.#moments = program.reserve(channels * 8)
    this.#scale = program.reserve(channels * 8)
    this.#slopes = program.reserve(channels * 12)
    this.#sums = program.reserve(channels * 16)
    this.value = context.value(term.value)
    this.row = [this.value, this.#scale, slot.enabled, 0]
    this.projection = [this.value, this.#moments, slot.enabled, this.#sums]
  }

  prepare(): void {
    const { channels, dense } = this.#extents
    this.#measure()
    this.#context.program.emit(
      'prepare',
      {
        coefficient: this.#slot.coefficient,
        moments: this.#moments,
        scale: this.#scale,
        channels,
        dense,
        ...this.#affine,
      },
      { condition: this.#condition },
    )
  }

  /**
   * Emits the calls that compute mean and variance of the term's value over the batch. In an evaluation, a batch norm
   * with running statistics reads those instead.
   */
  #measure(): void {
    const { program, layout, norms } = this.#context
    const { channels, dense, pixelsPerSample } = this.#extents
    const { statistics } = this.#norm
    const condition = this.#condition
    const moments = this.#moments
    const options = { condition, when: statistics === null ? 'always' : 'batch-statistics' } as const
    const size = { input: this.value, pixelsPerSample, channels }
    const left = norms.rows(this.#term.value)
    const rows = left ?? this.#context.momentRows(this.#term.value)
    if (left === undefined) program.emit('measure', { ...size, rows }, options)
    program.emit('moments', { ...size, rows, sums: this.#sums, result: moments }, options)
    if (statistics === null) return
    const running = layout.statistics[statistics]
    program.emit('track', { moments, running, channels, dense, pixelsPerSample }, { condition, when: 'training' })
    program.emit('recall', { running, moments, channels, dense }, { condition, when: 'running-statistics' })
  }

  backward(gradient: Temporary, gradientSums: number): void {
    const { program, norms } = this.#context
    const { channels, pixelsPerSample } = this.#extents
    const condition = this.#condition
    const slopes = this.#slopes
    if (this.#norm.statistics === null) {
      this.#differentiate(1, gradientSums, 'always')
    } else {
      this.#differentiate(1, gradientSums, 'batch-statistics')
      this.#differentiate(0, gradientSums, 'running-statistics')
    }
    if (norms.defer(this.#term.value, { gradient, slopes })) return
    const target = this.#context.gradient(this.#term.value)
    if (target === undefined) return
    const accumulate = target.accumulate(condition)
    program.emit(
      'combineNormGradient',
      { gradient, value: this.value, slopes, result: target.buffer, pixelsPerSample, channels, accumulate },
      { condition },
    )
  }

  /** Emits the call that computes the gradients of the term from the sums Σ g and Σ g·(value − μ). */
  #differentiate(batchStatistics: 0 | 1, gradientSums: number, when: When): void {
    const { affine } = this.#norm
    this.#context.program.emit(
      'differentiate',
      {
        coefficient: this.#slot.coefficient,
        moments: this.#moments,
        gradientSums,
        sums: this.#sums,
        batchStatistics,
        slope: this.#slopes,
        gradGamma: affine ? this.#context.parameterGradient(affine.scale) : 0,
        gradBeta: affine ? this.#context.parameterGradient(affine.shift) : 0,
        gradCoefficient: this.#slot.gradient,
        ...this.#affine,
        ...this.#extents,
      },
      { condition: this.#condition, when },
    )
  }
}
