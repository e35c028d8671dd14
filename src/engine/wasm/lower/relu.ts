/** Lowers ReLU as an operation of its own, and the mask of a ReLU that is folded into a convolution. */
import type { ValueId } from '../../../core/network.ts'
import type { Of } from '../../graph/graph.ts'
import type { Accumulation } from '../../plan/accumulation.ts'
import type { Backward } from '../../plan/rules.ts'
import type { Context } from './context.ts'

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
 * Collects the gradients with respect to relu(input), which is not a value of the graph, from so many contributions.
 */
export function beforeRelu(context: Context, input: ValueId, contributions: number): Accumulation {
  const { perSample } = context.extent(input)
  const buffer = context.activation(perSample, `gradient of rectified value ${input}`)
  return context.accumulation(buffer, perSample, contributions)
}

/** Emits target += gradient where input > 0. */
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
