/**
 * Emits the kernel calls of all convolutions that read one input. Forward: stage the input, that is, copy it once into
 * a buffer with a zero border and apply the ReLU; then run each filter over the staged input. Backward: compute the
 * gradient of each filter from the staged input, and add up the input gradients of all filters, masked by the ReLU. For
 * a dense filter both are matrix products over patches of the staged image:
 *
 *   ∂L/∂w[k, o] = Σ_pixels patch[pixel, k]·g[pixel, o],   ∂L/∂x = the transposed convolution of g;
 *
 * with g = the gradient of the filter's output; for a depthwise filter the same channel by channel.
 */
import type { Of } from '../../graph/graph.ts'
import { type Accumulation, type Backward, padTo4 } from '../../plan/lowering.ts'
import type { Temporary } from '../../plan/placement.ts'
import type { Context } from './context.ts'
import { forwardStaging, patchOf, pixelGrid, tapsOf, transposedGrid, windowGrid } from './geometry.ts'
import { beforeRelu, maskGradient } from './relu.ts'
import { type FilterEmitter, type FilterSite, type StagedGradient, stage, stageOutputGradient } from './staging.ts'

/** Emits the kernel calls of all convolutions that read one input, forward and backward. */
export function lowerConvolve(context: Context, { input, relu, filters }: Of<'convolve'>, index: number): Backward {
  const shape = context.shape(input)
  const condition = context.activity.condition(index)
  const staging = forwardStaging(shape, Math.max(...filters.map(({ window }) => window.padding)))
  const staged = stage(context, context.value(input), shape, staging, relu, { condition })
  const placed = filters.map((filter, part) => {
    const site = { filter, input, staging, condition: context.activity.partCondition(index, part) }
    const emitter: FilterEmitter = new emitters[filter.kind](context, site)
    return { site, emitter }
  })
  for (const { emitter } of placed) emitter.forward(staged)
  return () => {
    const options = { condition, when: 'weights' } as const
    const restaged = stage(context, context.value(input), shape, staging, relu, options)
    const target = context.gradient(input)
    const sum = target && relu ? beforeRelu(context, input, filters.length) : target
    for (const { site, emitter } of placed) {
      const gradient = stageOutputGradient(context, site, sum !== undefined)
      if (gradient === undefined) continue
      emitter.filterGradient(restaged, gradient)
      if (sum) emitter.inputGradient(gradient, sum)
    }
    if (relu && target && sum) maskGradient(context, input, sum, target, condition)
  }
}

/** Emits the kernel calls of one dense filter, whose output channels each read all input channels. */
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

  /** Returns the byte address of the table of offsets, in the staged image, at which the filter's windows begin. */
  #windowOffsets(): number {
    const { filter, staging } = this.#site
    const grid = windowGrid(staging, this.#context.shape(filter.output), filter.window)
    return this.#context.offsets(staging, grid)
  }

  /**
   * Emits the call that copies the filter into panels, the order in which the kernel reads it; for `transposed` with
   * its taps in reverse order, and input and output channels exchanged.
   */
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

  /**
   * Returns the kernel arguments of the filter's sizes: the number of taps of its window, of input channels, and of
   * output channels.
   */
  #extents(): { taps: number; rows: number; columns: number } {
    const { filter, input } = this.#site
    const { height, width } = filter.window
    const columns = this.#context.shape(filter.output).channels
    return { taps: height * width, rows: this.#context.shape(input).channels, columns }
  }
}

/** Emits the kernel calls of one depthwise filter, which filters each channel by itself. */
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
    const padded = this.#padFilter()
    this.#context.program.emit(
      'depthwise',
      { staged, filter: padded, output, accumulate: 0, ...this.#windows() },
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
    context.program.emit('flipTaps', { filter: this.#padFilter(), flipped, taps, channels }, { condition })
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

  /** Returns the kernel arguments that describe the depthwise filter's windows over the staged input. */
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

  /** Emits the call that copies the depthwise filter into a buffer with padding channels, and returns the buffer. */
  #padFilter(): Temporary {
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

const emitters = { dense: DenseFilter, depthwise: DepthwiseFilter } as const
