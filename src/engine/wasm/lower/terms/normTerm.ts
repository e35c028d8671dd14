/**
 * Lowers a normalised term of a sum, c·(γ·(value − μ)·r + β) with r = 1/√(variance + ε). The equations are in
 * kernels/norm.ts.
 */
import type { Norm, Term } from '../../../graph/graph.ts'
import type { Temporary } from '../../../plan/placement.ts'
import type { When, Word } from '../../plan/program.ts'
import type { Context, TermSlot } from '../context.ts'
import type { TermEmitter } from './term.ts'

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
  /** Addresses of γ and β; 0 for a batch norm without them. */
  readonly #affine: { readonly gamma: number; readonly beta: number }
  /** Address of mean and variance. */
  readonly #moments: number
  /** Address of scale and shift. */
  readonly #scale: number
  /** Address of slope, curve and offset. */
  readonly #slopes: number
  /** Address of the sums, in doubles. */
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
   * Emits the calls that provide the moments: of the batch, or the running ones in evaluation if the network keeps
   * them.
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
