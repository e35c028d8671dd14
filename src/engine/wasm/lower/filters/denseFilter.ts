/**
 * Lowers a dense filter, as matrix products over patches of the staged input:
 *
 *   ∂L/∂w[k, o] = Σ_pixels patch[pixel, k]·g[pixel, o]
 *   ∂L/∂x       = the transposed convolution of g
 */
import type { Accumulation } from '../../../plan/accumulation.ts'
import { padTo4 } from '../../../plan/extent.ts'
import type { Temporary } from '../../../plan/placement.ts'
import type { Context } from '../context.ts'
import type { FilterEmitter, FilterSite, StagedGradient } from './filter.ts'
import { patchOf, pixelGrid, transposedGrid, windowGrid } from './geometry.ts'

export class DenseFilter implements FilterEmitter {
  readonly #context: Context
  readonly #site: FilterSite

  constructor(context: Context, site: FilterSite) {
    this.#context = context
    this.#site = site
  }

  forward(staged: Temporary): void {
    const context = this.#context
    const { filter, staging, condition } = this.#site
    const { pixelsPerSample, channels } = context.extent(filter.output)
    const panels = this.#pack('forward')
    context.program.emit(
      'convolve',
      {
        staged,
        offsets: this.#windowOffsets(),
        pixelsPerSample,
        ...context.patch(patchOf(staging, filter.window)),
        panels,
        output: context.value(filter.output),
        channels,
        accumulate: 0,
        rows: context.norms.rows(filter.output) ?? 0,
      },
      { condition },
    )
  }

  filterGradient(staged: Temporary, gradient: StagedGradient): void {
    const context = this.#context
    const { filter, staging, condition } = this.#site
    const { pixelsPerSample, channels } = context.extent(filter.output)
    const patch = context.patch(patchOf(staging, filter.window))
    const options = { condition, when: 'weights' } as const
    const panels = this.#panelBuffer(patch.segmentCount * patch.segmentLength, channels)
    const grid = pixelGrid(gradient.staging, context.shape(filter.output))
    context.program.emit(
      'filterGradient',
      {
        staged,
        offsets: this.#windowOffsets(),
        pixelsPerSample,
        ...patch,
        gradient: gradient.staged,
        gradientOffsets: context.offsets(gradient.staging, grid),
        channels,
        panels,
      },
      options,
    )
    const dense = context.parameterGradient(filter.parameter)
    context.program.emit('unpackFilter', { panels, dense, ...this.#extents() }, options)
  }

  inputGradient({ staged, staging }: StagedGradient, sum: Accumulation): void {
    const context = this.#context
    const { input, filter, condition } = this.#site
    const { pixelsPerSample, channels } = context.extent(input)
    const panels = this.#pack('transposed')
    const accumulate = sum.accumulate(condition)
    context.program.emit(
      'convolve',
      {
        staged,
        offsets: context.offsets(staging, transposedGrid(staging, context.shape(input), filter.window)),
        pixelsPerSample,
        ...context.patch(patchOf(staging, filter.window)),
        panels,
        output: sum.buffer,
        channels,
        accumulate,
        rows: 0,
      },
      { condition },
    )
  }

  #windowOffsets(): number {
    const { filter, staging } = this.#site
    const grid = windowGrid(staging, this.#context.shape(filter.output), filter.window)
    return this.#context.offsets(staging, grid)
  }

  /** Packs the filter into panels: as it is, or transposed (taps reversed, input and output channels exchanged). */
  #pack(direction: 'forward' | 'transposed'): Temporary {
    const { taps, rows, columns } = this.#extents()
    const forward = direction === 'forward'
    const reduced = forward ? { rows, columns } : { rows: columns, columns: rows }
    const panels = this.#panelBuffer(taps * padTo4(reduced.rows), padTo4(reduced.columns))
    this.#context.program.emit(
      'packFilter',
      {
        dense: this.#context.parameter(this.#site.filter.parameter),
        panels,
        taps,
        ...reduced,
        rowStride: forward ? columns : 1,
        columnStride: forward ? 1 : columns,
        flip: forward ? 0 : 1,
      },
      { condition: this.#site.condition },
    )
    return panels
  }

  #panelBuffer(depth: number, channels: number): Temporary {
    return this.#context.program.temporary(depth * channels * 4, 'filter panels')
  }

  /** Returns the kernel arguments of the filter's sizes: taps of the window, input channels, output channels. */
  #extents(): { taps: number; rows: number; columns: number } {
    const { filter, input } = this.#site
    const { height, width } = filter.window
    const columns = this.#context.shape(filter.output).channels
    return { taps: height * width, rows: this.#context.shape(input).channels, columns }
  }
}
