/**
 * ReLU and max pooling whose decisions come from masks. A mask is the input that was decided on; a run that takes the
 * masks writes them before they are read, so that it gives what the live operation would.
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
  // The way back of a ReLU: what is passed on is what is positive in the mask.
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
