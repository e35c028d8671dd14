/**
 * Emits the kernel calls of average pooling, max pooling and the mean over the image. Max pooling is live, or frozen:
 * then it takes the pixels that were largest in a recorded batch.
 */
import type { ValueId } from '../../../core/network.ts'
import type { Of, Pooling } from '../../graph/graph.ts'
import type { Backward } from '../../plan/lowering.ts'
import type { Context } from './context.ts'

type Pool = Of<'avgPool' | 'maxPool'>

/** Emits the kernel calls of average or max pooling, forward and backward. */
export function lowerPool(context: Context, { kind, input, output, pooling }: Pool, index: number): Backward {
  if (kind === 'avgPool' && isBox(pooling)) return lowerBox(context, input, output, index)
  const { program } = context
  const options = { condition: context.activity.condition(index) }
  const window = poolingWindow(context, { input, output, pooling })
  const values = { input: context.value(input), output: context.value(output) }
  program.emit(kind, { ...values, ...window }, options)
  return () => {
    const gradient = context.outputGradient(output)
    const target = context.gradient(input)
    if (gradient === undefined || target === undefined) return
    target.clear()
    const back = { gradient, result: target.buffer, ...window }
    if (kind === 'avgPool') program.emit('avgPoolGradient', back, options)
    else program.emit('maxPoolGradient', { ...values, ...back }, options)
  }
}

/**
 * Emits the kernel calls of a frozen max pooling, which takes from each window the pixel that was largest in a recorded
 * input. A run that records masks first stores its own input as the recorded input, so it gives the results of an
 * ordinary max pooling.
 */
export function lowerFrozenMaxPool(context: Context, operation: Of<'frozenMaxPool'>, index: number): Backward {
  const { program } = context
  const { input, output } = operation
  const condition = context.activity.condition(index)
  const { perSample } = context.extent(input)
  const [value, result] = [context.value(input), context.value(output)]
  const mask = context.mask(perSample)
  const largest = context.mask(context.extent(output).perSample)
  const window = poolingWindow(context, operation)
  program.emit('accumulate', { input: value, output: mask, perSample, add: 0 }, { condition, when: 'recording' })
  program.emit('maxPool', { input: mask, output: largest, ...window }, { condition, when: 'recording' })
  program.emit('frozenMaxPool', { input: value, mask, largest, output: result, ...window }, { condition })
  return () => {
    const gradient = context.outputGradient(output)
    const target = context.gradient(input)
    if (gradient === undefined || target === undefined) return
    target.clear()
    const back = { input: mask, output: largest, gradient, result: target.buffer }
    program.emit('maxPoolGradient', { ...back, ...window }, { condition })
  }
}

/** Returns the kernel arguments that describe the window of a pooling and the sizes of its input and output images. */
export function poolingWindow(
  context: Context,
  { input, output, pooling: { kernel, stride, padding } }: Pick<Pool, 'input' | 'output' | 'pooling'>,
) {
  const { height, width, channels } = context.extent(input)
  const { height: outputHeight, width: outputWidth } = context.shape(output)
  return { height, width, channels, outputHeight, outputWidth, kernel, stride, padding }
}

const isBox = ({ kernel, stride, padding }: Pooling) => kernel === 3 && stride === 1 && padding === 1

/**
 * Emits the calls of a faster kernel (kernels/box.ts) for 3×3 average pooling with stride 1 and padding 1, which every
 * NAS-Bench-201 cell contains.
 */
function lowerBox(context: Context, input: ValueId, output: ValueId, index: number): Backward {
  const { program } = context
  const condition = context.activity.condition(index)
  const { height, width, channels } = context.extent(input)
  const scratchBuffer = () => program.temporary(context.threads * (height + 1) * width * channels * 4, 'rows of sums')
  const size = { height, width, channels }
  const scratch = scratchBuffer()
  program.emit(
    'boxPool',
    { input: context.value(input), output: context.value(output), scratch, ...size },
    { condition },
  )
  return () => {
    const gradient = context.outputGradient(output)
    const target = context.gradient(input)
    if (gradient === undefined || target === undefined) return
    const accumulate = target.accumulate(condition)
    program.emit(
      'boxPoolGradient',
      { gradient, result: target.buffer, scratch: scratchBuffer(), accumulate, ...size },
      { condition },
    )
  }
}

/** Emits the kernel calls of the mean over all pixels of an image, forward and backward. */
export function lowerGlobalMean(context: Context, { input, output }: Of<'globalMean'>, index: number): Backward {
  const { program } = context
  const condition = context.activity.condition(index)
  const { pixelsPerSample: pixels, channels } = context.extent(input)
  program.emit(
    'globalMean',
    { input: context.value(input), output: context.value(output), pixels, channels },
    { condition },
  )
  return () => {
    const gradient = context.outputGradient(output)
    const target = context.gradient(input)
    if (gradient === undefined || target === undefined) return
    const accumulate = target.accumulate(condition)
    program.emit('globalMeanGradient', { gradient, result: target.buffer, pixels, channels, accumulate }, { condition })
  }
}
