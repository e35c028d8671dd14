/**
 * Convolutions of one input. Forward: stage the input (border, ReLU), then a matrix product for each filter. Back:
 *
 *   ∂L/∂w[k, o] = Σ_pixels patch[pixel, k]·g[pixel, o]     from the input, staged again
 *   ∂L/∂x       = the transposed convolution of g, summed over the filters, then through the ReLU's mask
 */
import {
  backwardStaging,
  forwardStaging,
  lanes,
  patchOf,
  pixelGrid,
  type Staging,
  transposedGrid,
  unstaged,
  windowGrid,
} from '../geometry.ts'
import type { Filter, Of } from '../graph.ts'
import type { Temporary } from '../placement.ts'
import type { Accumulation } from './accumulation.ts'
import type { Backward, Context } from './context.ts'
import { beforeRelu, maskGradient } from './relu.ts'
import { stage, stageDeferred } from './staging.ts'

export function lowerConvolve(context: Context, operation: Of<'convolve'>, index: number): Backward {
  const { input, relu, filters } = operation
  const shape = context.shape(input)
  const condition = context.operationCondition(index)
  const staging = forwardStaging(shape, Math.max(...filters.map(({ window }) => window.padding)))
  const staged = stage(context, context.value(input), shape, staging, relu, { condition })
  const emitters = filters.map(
    (filter, part) => new FilterEmitter(context, operation, filter, staging, context.partCondition(index, part)),
  )
  for (const emitter of emitters) emitter.forward(staged)
  return () => {
    const options = { condition, when: 'weights' } as const
    const restaged = stage(context, context.value(input), shape, staging, relu, options)
    const target = context.gradient(input)
    const sum = target && relu ? beforeRelu(context, input, filters.length) : target
    for (const emitter of emitters) emitter.backward(restaged, sum)
    if (relu && target && sum) maskGradient(context, input, sum, target, condition)
  }
}

/** The calls for one filter of the group. */
class FilterEmitter {
  readonly #context: Context
  readonly #operation: Of<'convolve'>
  readonly #filter: Filter
  readonly #staging: Staging
  readonly #condition: number

  constructor(context: Context, operation: Of<'convolve'>, filter: Filter, staging: Staging, condition: number) {
    this.#context = context
    this.#operation = operation
    this.#filter = filter
    this.#staging = staging
    this.#condition = condition
  }

  forward(staged: Temporary): void {
    const { program } = this.#context
    const { output, window } = this.#filter
    const { pixelsPerSample, channels } = this.#context.extent(output)
    const panels = this.#pack('forward')
    program.emit(
      'convolve',
      {
        staged,
        offsets: this.#windowOffsets(),
        pixelsPerSample,
        ...this.#context.patch(patchOf(this.#staging, window)),
        panels,
        output: this.#context.value(output),
        channels,
        accumulate: 0,
        sums: this.#context.norms.sums(output),
      },
      { condition: this.#condition },
    )
  }

  /** @param sum where ∂L/∂(staged input) goes, if anywhere */
  backward(staged: Temporary, sum: Accumulation | undefined): void {
    const context = this.#context
    const { output, window } = this.#filter
    const shape = context.shape(output)
    const staging = sum ? backwardStaging(context.shape(this.#operation.input), shape, window) : unstaged(shape)
    const stagedGradient = this.#stageGradient(staging)
    if (stagedGradient === undefined) return
    this.#filterGradient(staged, stagedGradient, staging)
    if (sum) this.#inputGradient(stagedGradient, staging, sum)
  }

  #stageGradient(staging: Staging): Temporary | undefined {
    const context = this.#context
    const { output } = this.#filter
    const shape = context.shape(output)
    const options = { condition: this.#condition }
    const deferred = context.norms.deferred(output)
    if (deferred) return stageDeferred(context, deferred, context.value(output), shape, staging, options)
    const gradient = context.outputGradient(output)
    return gradient && stage(context, gradient, shape, staging, false, options)
  }

  #filterGradient(staged: Temporary, gradient: Temporary, gradientStaging: Staging): void {
    const context = this.#context
    const { output, window, parameter } = this.#filter
    const { pixelsPerSample, channels } = context.extent(output)
    const patch = context.patch(patchOf(this.#staging, window))
    const options = { condition: this.#condition, when: 'weights' } as const
    const panels = this.#panelBuffer(patch.segmentCount * patch.segmentLength, channels)
    context.program.emit(
      'filterGradient',
      {
        staged,
        offsets: this.#windowOffsets(),
        pixelsPerSample,
        ...patch,
        gradient,
        gradientOffsets: context.offsets(gradientStaging, pixelGrid(gradientStaging, context.shape(output))),
        channels,
        panels,
      },
      options,
    )
    const dense = context.parameterGradient(parameter)
    context.program.emit('unpackFilter', { panels, dense, ...this.#extents() }, options)
  }

  #inputGradient(gradient: Temporary, staging: Staging, sum: Accumulation): void {
    const context = this.#context
    const { input } = this.#operation
    const { window } = this.#filter
    const { pixelsPerSample, channels } = context.extent(input)
    const condition = this.#condition
    const panels = this.#pack('transposed')
    const accumulate = sum.accumulate(condition)
    context.program.emit(
      'convolve',
      {
        staged: gradient,
        offsets: context.offsets(staging, transposedGrid(staging, context.shape(input), window)),
        pixelsPerSample,
        ...context.patch(patchOf(staging, window)),
        panels,
        output: sum.buffer,
        channels,
        accumulate,
        sums: 0,
      },
      { condition },
    )
  }

  #windowOffsets(): number {
    const { output, window } = this.#filter
    return this.#context.offsets(this.#staging, windowGrid(this.#staging, this.#context.shape(output), window))
  }

  /** The filter in panels: as it is, or with the taps in reverse and input and output channels exchanged. */
  #pack(direction: 'forward' | 'transposed'): Temporary {
    const { taps, rows, columns } = this.#extents()
    const forward = direction === 'forward'
    const reduced = forward ? { rows, columns } : { rows: columns, columns: rows }
    const panels = this.#panelBuffer(taps * lanes(reduced.rows), lanes(reduced.columns))
    this.#context.program.emit(
      'packFilter',
      {
        dense: this.#context.parameter(this.#filter.parameter),
        panels,
        taps,
        ...reduced,
        rowStride: forward ? columns : 1,
        columnStride: forward ? 1 : columns,
        flip: forward ? 0 : 1,
      },
      { condition: this.#condition },
    )
    return panels
  }

  #panelBuffer(depth: number, channels: number): Temporary {
    return this.#context.program.temporary(depth * channels * 4, 'filter panels')
  }

  /** Of the dense filter: taps of the window, input channels, output channels. */
  #extents(): { taps: number; rows: number; columns: number } {
    const { height, width } = this.#filter.window
    const rows = this.#context.shape(this.#operation.input).channels
    return { taps: height * width, rows, columns: this.#context.shape(this.#filter.output).channels }
  }
}
