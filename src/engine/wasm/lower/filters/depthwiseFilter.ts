/**
 * Lowers a depthwise filter, one small filter for each channel:
 *
 *   ∂L/∂w[k, c] = Σ_pixels patch[pixel, k, c]·g[pixel, c]
 *   ∂L/∂x       = the transposed convolution of g, channel by channel
 */
import type { Accumulation } from '../../../plan/accumulation.ts'
import type { Temporary } from '../../../plan/placement.ts'
import type { Context } from '../context.ts'
import type { FilterEmitter, FilterSite, StagedGradient } from './filter.ts'
import { pixelGrid, tapsOf, transposedGrid, windowGrid } from './geometry.ts'

export class DepthwiseFilter implements FilterEmitter {
  readonly #context: Context
  readonly #site: FilterSite
  readonly #channels: number
  readonly #tapCount: number

  constructor(context: Context, site: FilterSite) {
    const { window } = site.filter
    this.#context = context
    this.#site = site
    this.#channels = context.extent(site.input).channels
    this.#tapCount = window.height * window.width
  }

  forward(staged: Temporary): void {
    const { filter, condition } = this.#site
    const output = this.#context.value(filter.output)
    const widened = this.#widenFilter()
    this.#context.program.emit(
      'depthwise',
      { staged, filter: widened, output, accumulate: 0, ...this.#windows() },
      { condition },
    )
  }

  filterGradient(staged: Temporary, gradient: StagedGradient): void {
    const context = this.#context
    const { input, filter, condition } = this.#site
    const options = { condition, when: 'weights' } as const
    const result = this.#filterBuffer()
    const grid = pixelGrid(gradient.staging, context.shape(filter.output))
    const gradientOffsets = context.offsets(gradient.staging, grid)
    context.program.emit(
      'depthwiseFilterGradient',
      { staged, gradient: gradient.staged, gradientOffsets, result, ...this.#windows() },
      options,
    )
    const size = { rows: this.#tapCount, columns: this.#channels, toColumns: context.shape(input).channels }
    const to = context.parameterGradient(filter.parameter)
    context.program.emit('resizeRows', { from: result, to, ...size }, options)
  }

  inputGradient({ staged, staging }: StagedGradient, sum: Accumulation): void {
    const context = this.#context
    const { input, filter, condition } = this.#site
    const taps = this.#tapCount
    const channels = this.#channels
    const flipped = this.#filterBuffer()
    context.program.emit('flipTaps', { filter: this.#widenFilter(), flipped, taps, channels }, { condition })
    const accumulate = sum.accumulate(condition)
    context.program.emit(
      'depthwise',
      {
        staged,
        offsets: context.offsets(staging, transposedGrid(staging, context.shape(input), filter.window)),
        pixelsPerSample: context.extent(input).pixelsPerSample,
        taps: context.patch(tapsOf(staging, filter.window)).segments,
        tapCount: taps,
        filter: flipped,
        output: sum.buffer,
        channels,
        accumulate,
      },
      { condition },
    )
  }

  /** Returns the kernel arguments that describe the windows over the staged input. */
  #windows() {
    const context = this.#context
    const { filter, staging } = this.#site
    return {
      offsets: context.offsets(staging, windowGrid(staging, context.shape(filter.output), filter.window)),
      pixelsPerSample: context.extent(filter.output).pixelsPerSample,
      taps: context.patch(tapsOf(staging, filter.window)).segments,
      tapCount: this.#tapCount,
      channels: this.#channels,
    }
  }

  /** Copies the filter into a buffer with padded channels. */
  #widenFilter(): Temporary {
    const { input, filter, condition } = this.#site
    const to = this.#filterBuffer()
    const size = { rows: this.#tapCount, columns: this.#context.shape(input).channels, toColumns: this.#channels }
    const from = this.#context.parameter(filter.parameter)
    this.#context.program.emit('resizeRows', { from, to, ...size }, { condition })
    return to
  }

  #filterBuffer(): Temporary {
    return this.#context.program.temporary(this.#tapCount * this.#channels * 4, 'depthwise filter')
  }
}
