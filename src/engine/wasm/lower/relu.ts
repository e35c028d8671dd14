/**
 * Emits the kernel calls of ReLU, and of the backward pass of a ReLU that is computed inside a convolution. A ReLU is
 * live, or frozen: then it lets through the entries that were positive in a recorded batch.
 */
import type { ValueId } from '../../../core/network.ts'
import type { Of } from '../../graph/graph.ts'
import type { Accumulation, Backward } from '../../plan/lowering.ts'
import type { Context } from './context.ts'

/** Emits the kernel calls of a ReLU that is not computed inside a convolution. */
export function lowerRelu(context: Context, { input, output }: Of<'relu'>, index: number): Backward {
  const condition = context.activity.condition(index)
  const { perSample } = context.extent(input)
  context.program.emit('relu', { input: context.value(input), output: context.value(output), perSample }, { condition })
  return () => {
    const gradient = context.gradient(output)
    const target = context.gradient(input)
    if (gradient === undefined || target === undefined) return
    gradient.clear()
    maskGradient(context, input, gradient, target, condition)
  }
}

/**
 * Emits the kernel calls of a frozen ReLU, which lets through the entries that were positive in a recorded input. A run
 * that records masks first stores its own input as the recorded input, so it gives the results of an ordinary ReLU.
 */
export function lowerFrozenRelu(context: Context, { input, output }: Of<'frozenRelu'>, index: number): Backward {
  const { program } = context
  const condition = context.activity.condition(index)
  const { perSample } = context.extent(input)
  const [value, result] = [context.value(input), context.value(output)]
  const mask = context.mask(perSample)
  program.emit('accumulate', { input: value, output: mask, perSample, add: 0 }, { condition, when: 'recording' })
  // `reluGradient` passes the entries at which its `input`, here the mask, is positive.
  program.emit('reluGradient', { input: mask, gradient: value, result, perSample, accumulate: 0 }, { condition })
  return () => {
    const gradient = context.outputGradient(output)
    const target = context.gradient(input)
    if (gradient === undefined || target === undefined) return
    const accumulate = target.accumulate(condition)
    program.emit('reluGradient', { input: mask, gradient, result: target.buffer, perSample, accumulate }, { condition })
  }
}

/**
 * Declares a buffer for the gradient with respect to relu(input), for a ReLU that is computed inside convolutions and
 * whose output is therefore no value of the graph.
 *
 * @param contributions number of filters that add to the gradient
 */
export function beforeRelu(context: Context, input: ValueId, contributions: number): Accumulation {
  const { perSample } = context.extent(input)
  const buffer = context.activation(perSample, `gradient of rectified value ${input}`)
  return context.accumulation(buffer, perSample, contributions)
}

/** Emits the backward pass of a ReLU: adds to `target`, or writes into it, the gradient where input > 0, else 0. */
export function maskGradient(
  context: Context,
  input: ValueId,
  gradient: Accumulation,
  target: Accumulation,
  condition: number,
): void {
  const accumulate = target.accumulate(condition)
  context.program.emit(
    'reluGradient',
    {
      input: context.value(input),
      gradient: gradient.buffer,
      result: target.buffer,
      perSample: context.extent(input).perSample,
      accumulate,
    },
    { condition },
  )
}
