/**
 * Depthwise convolution: forward and back as in `convolve.ts`, channel by channel.
 *
 *   ∂L/∂w[k, c] = Σ_pixels patch[pixel, k, c]·g[pixel, c]
 */
import {
  backwardStaging,
  forwardStaging,
  pixelGrid,
  type Staging,
  tapsOf,
  transposedGrid,
  unstaged,
  windowGrid,
} from '../geometry.ts'
import type { Of } from '../graph.ts'
import type { Temporary } from '../placement.ts'
import type { EmitOptions } from '../program.ts'
import type { Accumulation } from './accumulation.ts'
import type { Backward, Context } from './context.ts'
import { beforeRelu, maskGradient } from './relu.ts'
import { stage } from './staging.ts'

export function lowerDepthwise(context: Context, operation: Of<'depthwise'>, index: number): Backward {
  const emitter = new DepthwiseEmitter(context, operation, context.operationCondition(index))
  emitter.forward()
  return () => emitter.backward()
}

class DepthwiseEmitter {
  readonly #context: Context
  readonly #operation: Of<'depthwise'>
  readonly #condition: number
  readonly #staging: Staging
  readonly #channels: number
  readonly #tapCount: number

  constructor(context: Context, operation: Of<'depthwise'>, condition: number) {
    const { window } = operation.filter
    this.#context = context
    this.#operation = operation
    this.#condition = condition
    this.#staging = forwardStaging(context.shape(operation.input), window.padding)
    this.#channels = context.extent(operation.input).channels
    this.#tapCount = window.height * window.width
  }

  forward(): void {
    const context = this.#context
    const { output } = this.#operation
    const condition = this.#condition
    context.program.emit(
      'depthwise',
      {
        staged: this.#stageInput({ condition }),
        filter: this.#widenFilter(),
        output: context.value(output),
        accumulate: 0,
        ...this.#windows(),
      },
      { condition },
    )
  }

  backward(): void {
    const context = this.#context
    const { input, output, relu, filter } = this.#operation
    const gradient = context.outputGradient(output)
    if (gradient === undefined) return
    const shape = context.shape(output)
    const target = context.gradient(input)
    const staging = target ? backwardStaging(context.shape(input), shape, filter.window) : unstaged(shape)
    const staged = stage(context, gradient, shape, staging, false, { condition: this.#condition })
    this.#filterGradient(staged, staging)
    if (target === undefined) return
    const sum = relu ? beforeRelu(context, input, 1) : target
    this.#inputGradient(staged, staging, sum)
    if (relu) maskGradient(context, input, sum, target, this.#condition)
  }

  #filterGradient(gradient: Temporary, gradientStaging: Staging): void {
    const context = this.#context
    const { output, input, filter } = this.#operation
    const options = { condition: this.#condition, when: 'weights' } as const
    const result = this.#filterBuffer()
    context.program.emit(
      'depthwiseFilterGradient',
      {
        staged: this.#stageInput(options),
        gradient,
        gradientOffsets: context.offsets(gradientStaging, pixelGrid(gradientStaging, context.shape(output))),
        result,
        ...this.#windows(),
      },
      options,
    )
    context.program.emit(
      'resizeRows',
      {
        from: result,
        to: context.parameterGradient(filter.parameter),
        rows: this.#tapCount,
        columns: this.#channels,
        toColumns: context.shape(input).channels,
      },
      options,
    )
  }

  #inputGradient(gradient: Temporary, staging: Staging, sum: Accumulation): void {
    const context = this.#context
    const { input, filter } = this.#operation
    const condition = this.#condition
    const flipped = this.#filterBuffer()
    const flip = { filter: this.#widenFilter(), flipped, taps: this.#tapCount, channels: this.#channels }
    context.program.emit('flipTaps', flip, { condition })
    const accumulate = sum.accumulate(condition)
    context.program.emit(
      'depthwise',
      {
        staged: gradient,
        offsets: context.offsets(staging, transposedGrid(staging, context.shape(input), filter.window)),
        pixelsPerSample: context.extent(input).pixelsPerSample,
        taps: context.patch(tapsOf(staging, filter.window)).segments,
        tapCount: this.#tapCount,
        filter: flipped,
        output: sum.buffer,
        channels: this.#channels,
        accumulate,
      },
      { condition },
    )
  }

  #stageInput(options: EmitOptions): Temporary {
    const { input, relu } = this.#operation
    return stage(this.#context, this.#context.value(input), this.#context.shape(input), this.#staging, relu, options)
  }

  /** Kernel arguments of the windows over the staged input. */
  #windows() {
    const context = this.#context
    const { output, filter } = this.#operation
    return {
      offsets: context.offsets(this.#staging, windowGrid(this.#staging, context.shape(output), filter.window)),
      pixelsPerSample: context.extent(output).pixelsPerSample,
      taps: context.patch(tapsOf(this.#staging, filter.window)).segments,
      tapCount: this.#tapCount,
      channels: this.#channels,
    }
  }

  /** The filter with channels as stored. */
  #widenFilter(): Temporary {
    const { program } = this.#context
    const { parameter } = this.#operation.filter
    const to = this.#filterBuffer()
    program.emit(
      'resizeRows',
      {
        from: this.#context.parameter(parameter),
        to,
        rows: this.#tapCount,
        columns: this.#context.shape(this.#operation.input).channels,
        toColumns: this.#channels,
      },
      { condition: this.#condition },
    )
    return to
  }

  #filterBuffer(): Temporary {
    return this.#context.program.temporary(this.#tapCount * this.#channels * 4, 'depthwise filter')
  }
}
