/** Translates average pooling, max pooling (ordinary or frozen) and global average pooling into GPU dispatches. */
import type { Of, Pooling } from '../../graph/graph.ts'
import type { Backward } from '../../plan/lowering.ts'
import {
  avgPool,
  avgPoolGradient,
  chosenPool,
  globalMean,
  globalMeanGradient,
  maxPool,
  maxPoolGradient,
} from '../kernels/pool.ts'
import { itemGrid } from '../plan/program.ts'
import type { Storage } from '../plan/storage.ts'
import type { Context } from './context.ts'

/** Input, output and window of an average or max pooling. */
interface Pool {
  readonly input: number
  readonly output: number
  readonly pooling: Pooling
}

/** Emits the dispatches of an average pooling and of its gradient. */
export function lowerAvgPool(context: Context, operation: Of<'avgPool'>, index: number): Backward {
  const { input, output } = operation
  const condition = context.activity.condition(index)
  const args = poolingWindow(context, operation)
  const buffers = { input: context.value(input), output: context.value(output) }
  context.program.emit(avgPool, { buffers, args, grid: itemGrid(context.extent(output).quadsPerSample), condition })
  return () =>
    context.emitInputGradient({ input, output }, condition, (gradient, result, accumulate) => {
      context.program.emit(avgPoolGradient, {
        buffers: { gradient, result },
        args: { ...args, accumulate },
        grid: itemGrid(context.extent(input).quadsPerSample),
        condition,
      })
    })
}

/**
 * Emits a max pooling. The forward pass stores which cell of each window was largest; the backward pass adds the
 * gradient to that cell.
 */
export function lowerMaxPool(context: Context, operation: Of<'maxPool'>, index: number): Backward {
  const { input, output } = operation
  const condition = context.activity.condition(index)
  const { perSample, quadsPerSample } = context.extent(output)
  const choice = context.activation(perSample, 'the chosen cells of a max pooling')
  context.program.emit(maxPool, {
    buffers: { input: context.value(input), output: context.value(output), choice },
    args: poolingWindow(context, operation),
    grid: itemGrid(quadsPerSample),
    condition,
  })
  return () => emitMaxPoolGradient(context, operation, choice, condition)
}

/**
 * Emits a max pooling with frozen choices: it passes the value of a recorded cell of each window, even if another is
 * larger. A run that records new choices computes an ordinary max pooling.
 */
export function lowerFrozenMaxPool(context: Context, operation: Of<'frozenMaxPool'>, index: number): Backward {
  const { program } = context
  const condition = context.activity.condition(index)
  const { perSample, quadsPerSample } = context.extent(operation.output)
  const choice = context.mask(perSample)
  const buffers = { input: context.value(operation.input), output: context.value(operation.output), choice }
  const common = { args: poolingWindow(context, operation), grid: itemGrid(quadsPerSample), condition }
  program.emit(maxPool, { buffers, ...common, when: 'recording' })
  program.emit(chosenPool, { buffers, ...common, when: 'not-recording' })
  return () => emitMaxPoolGradient(context, operation, choice, condition)
}

/** Emits the backward pass of a max pooling, which adds the gradient to the chosen cell of each window. */
function emitMaxPoolGradient(context: Context, pool: Pool, choice: Storage, condition: number): void {
  context.emitInputGradient(pool, condition, (gradient, result, accumulate) => {
    context.program.emit(maxPoolGradient, {
      buffers: { gradient, choice, result },
      args: { ...poolingWindow(context, pool), accumulate },
      grid: itemGrid(context.extent(pool.input).quadsPerSample),
      condition,
    })
  })
}

/** Returns the arguments of the pooling kernels: sizes of input and output; size, stride and padding of the window. */
function poolingWindow(context: Context, { input, output, pooling: { kernel, stride, padding } }: Pool) {
  const { height, width, quads } = context.extent(input)
  const { height: outputHeight, width: outputWidth } = context.shape(output)
  return { height, width, quads, outputHeight, outputWidth, kernel, stride, padding }
}

/** Emits global average pooling, the mean of each channel over all pixels of a sample, and its gradient. */
export function lowerGlobalMean(context: Context, { input, output }: Of<'globalMean'>, index: number): Backward {
  const { program } = context
  const condition = context.activity.condition(index)
  const { pixelsPerSample: pixels, quads, quadsPerSample } = context.extent(input)
  const buffers = { input: context.value(input), output: context.value(output) }
  program.emit(globalMean, { buffers, args: { pixels, quads }, grid: itemGrid(quads), condition })
  return () =>
    context.emitInputGradient({ input, output }, condition, (gradient, result, accumulate) => {
      program.emit(globalMeanGradient, {
        buffers: { gradient, result },
        args: { pixels, quads, accumulate },
        grid: itemGrid(quadsPerSample),
        condition,
      })
    })
}
