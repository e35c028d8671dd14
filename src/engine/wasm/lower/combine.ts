/**
 * A node: Σ_t c_t·norm_t(value_t). Forward: the moments of each normalised term, its scale and shift, then one pass over
 * all terms. Back, with g = ∂L/∂output: a plain term gets c·g and sends ∂L/∂c = Σ g·value; a normalised one, what
 * `differentiate` (kernels/norm.ts) makes of Σ g and Σ g·(value − μ).
 */
import type { Norm, Of, Term } from '../graph.ts'
import type { Temporary } from '../placement.ts'
import type { When } from '../program.ts'
import type { Backward, Context, TermSlot } from './context.ts'

export function lowerCombine(context: Context, { terms, output }: Of<'combine'>, index: number): Backward {
  const { program } = context
  const condition = context.operationCondition(index)
  const { pixelsPerSample, channels } = context.extent(output)
  const emitters = terms.map((term, part) => {
    const own = context.partCondition(index, part)
    return term.norm === null
      ? new PlainTerm(context, term, context.termSlot(index, part), own)
      : new NormTerm(context, term, term.norm, context.termSlot(index, part), own)
  })
  for (const emitter of emitters) emitter.prepare()
  const table = program.table(emitters.flatMap((emitter) => emitter.row))
  for (const { value } of terms) program.touch(context.value(value))
  program.emit(
    'combine',
    { terms: table, count: terms.length, output: context.value(output), pixelsPerSample, channels },
    { condition },
  )
  return () => {
    const gradient = context.outputGradient(output)
    if (gradient !== undefined) for (const emitter of emitters) emitter.backward(gradient)
  }
}

interface TermEmitter {
  /** Value, scale and shift, flag, and a word of nothing: what the `combine` kernel reads. */
  readonly row: readonly (number | Temporary)[]
  /** Computes scale and shift. */
  prepare(): void
  backward(gradient: Temporary): void
}

class PlainTerm implements TermEmitter {
  readonly #context: Context
  readonly #term: Term
  readonly #slot: TermSlot
  readonly #condition: number
  readonly row: readonly (number | Temporary)[]
  readonly #scale: number

  constructor(context: Context, term: Term, slot: TermSlot, condition: number) {
    this.#context = context
    this.#term = term
    this.#slot = slot
    this.#condition = condition
    this.#scale = context.program.reserve(context.extent(term.value).channels * 8)
    this.row = [context.value(term.value), this.#scale, slot.enabled, 0]
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
    const context = this.#context
    const { value, factors } = this.#term
    const { pixelsPerSample, channels } = context.extent(value)
    const extent = { pixelsPerSample, channels }
    const condition = this.#condition
    if (factors.length > 0) {
      context.program.emit(
        'inner',
        { a: gradient, b: context.value(value), result: this.#slot.gradient, ...extent },
        { condition, when: 'coefficients' },
      )
    }
    const target = context.gradient(value)
    if (target === undefined) return
    const accumulate = target.accumulate(condition)
    context.program.emit(
      'combinePlainGradient',
      { gradient, coefficient: this.#slot.coefficient, result: target.buffer, accumulate, ...extent },
      { condition },
    )
  }
}

class NormTerm implements TermEmitter {
  readonly #context: Context
  readonly #term: Term
  readonly #norm: Norm
  readonly #slot: TermSlot
  readonly #condition: number
  readonly #channels: number
  /** Mean and variance; scale and shift; slope, curve and offset; two sums (doubles): each of so many channels. */
  readonly #moments: number
  readonly #scale: number
  readonly #slope: number
  readonly #sums: number
  readonly row: readonly (number | Temporary)[]

  constructor(context: Context, term: Term, norm: Norm, slot: TermSlot, condition: number) {
    const { program } = context
    this.#context = context
    this.#term = term
    this.#norm = norm
    this.#slot = slot
    this.#condition = condition
    this.#channels = context.extent(term.value).channels
    this.#moments = program.reserve(this.#channels * 8)
    this.#scale = program.reserve(this.#channels * 8)
    this.#slope = program.reserve(this.#channels * 12)
    this.#sums = program.reserve(this.#channels * 16)
    this.row = [context.value(term.value), this.#scale, slot.enabled, 0]
  }

  prepare(): void {
    const { program } = this.#context
    const { channels, dense } = this.#extents()
    const condition = this.#condition
    const moments = this.#moments
    this.#measure()
    program.emit(
      'prepare',
      { coefficient: this.#slot.coefficient, moments, scale: this.#scale, channels, dense, ...this.#affine() },
      { condition },
    )
  }

  /** Moments of the batch, or the running ones in evaluation where the network keeps them. */
  #measure(): void {
    const { program } = this.#context
    const { channels, dense, pixelsPerSample } = this.#extents()
    const { statistics } = this.#norm
    const condition = this.#condition
    const moments = this.#moments
    const input = this.#context.value(this.#term.value)
    const when: When = statistics === null ? 'always' : 'batch-statistics'
    program.emit('measure', { input, pixelsPerSample, channels, sums: this.#sums, moments }, { condition, when })
    if (statistics === null) return
    const running = this.#context.layout.statistics[statistics]
    program.emit('track', { moments, running, channels, dense, pixelsPerSample }, { condition, when: 'training' })
    program.emit('recall', { running, moments, channels, dense }, { condition, when: 'running-statistics' })
  }

  backward(gradient: Temporary): void {
    const { program } = this.#context
    const { value } = this.#term
    const { channels, pixelsPerSample } = this.#extents()
    const condition = this.#condition
    const input = this.#context.value(value)
    program.emit(
      'project',
      { gradient, input, moments: this.#moments, pixelsPerSample, channels, sums: this.#sums },
      { condition },
    )
    if (this.#norm.statistics === null) {
      this.#differentiate(1, 'always')
    } else {
      this.#differentiate(1, 'batch-statistics')
      this.#differentiate(0, 'running-statistics')
    }
    const target = this.#context.gradient(value)
    if (target === undefined) return
    const accumulate = target.accumulate(condition)
    program.emit(
      'combineNormGradient',
      { gradient, value: input, slopes: this.#slope, result: target.buffer, pixelsPerSample, channels, accumulate },
      { condition },
    )
  }

  #differentiate(batchStatistics: 0 | 1, when: When): void {
    const { affine } = this.#norm
    this.#context.program.emit(
      'differentiate',
      {
        coefficient: this.#slot.coefficient,
        moments: this.#moments,
        sums: this.#sums,
        batchStatistics,
        slope: this.#slope,
        gradGamma: affine ? this.#context.parameterGradient(affine.scale) : 0,
        gradBeta: affine ? this.#context.parameterGradient(affine.shift) : 0,
        gradCoefficient: this.#slot.gradient,
        ...this.#affine(),
        ...this.#extents(),
      },
      { condition: this.#condition, when },
    )
  }

  #affine(): { gamma: number; beta: number } {
    const { affine } = this.#norm
    if (affine === null) return { gamma: 0, beta: 0 }
    return { gamma: this.#context.parameter(affine.scale), beta: this.#context.parameter(affine.shift) }
  }

  #extents(): { channels: number; dense: number; pixelsPerSample: number } {
    const { pixelsPerSample } = this.#context.extent(this.#term.value)
    return { channels: this.#channels, dense: this.#context.shape(this.#term.value).channels, pixelsPerSample }
  }
}
