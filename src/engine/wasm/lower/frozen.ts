/**
 * Lowers frozen ReLUs and max poolings, which decide by a recorded mask. The mask is the input at which it was
 * recorded; a
 * recording run writes it before it is read, so that its results are those of the live operation.
 */
import type { Of } from '../../graph/graph.ts'
import type { Backward } from '../../plan/rules.ts'
import type { Context } from './context.ts'
import { poolingWindow } from './pool.ts'

export function lowerFrozenRelu(context: Context, { input, output }: Of<'frozenRelu'>, index: number): Backward {
  const { program } = context
  const condition = context.activity.condition(index)
  const { perSample } = context.extent(input)
  const [value, result] = [context.value(input), context.value(output)]
  const mask = context.mask(perSample)
  program.emit('accumulate', { input: value, output: mask, perSample, add: 0 }, { condition, when: 'recording' })
  // The same kernel as the backward pass of a ReLU: passes the entries at which the mask is positive.
  program.emit('reluGradient', { input: mask, gradient: value, result, perSample, accumulate: 0 }, { condition })
  return () => {
    const gradient = context.outputGradient(output)
    const target = context.gradient(input)
    if (gradient === undefined || target === undefined) return
    const accumulate = target.accumulate(condition)
    program.emit('reluGradient', { input: mask, gradient, result: target.buffer, perSample, accumulate }, { condition })
  }
}

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
