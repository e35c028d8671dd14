/**
 * Lowers frozen ReLUs and max poolings: a ReLU decides by the input that was recorded, a max pooling by the chosen
 * cells. A
 * run that takes them writes them before they are read, so that it gives what the live operation would.
 */
import type { Of } from '../../graph/graph.ts'
import type { Backward } from '../../plan/rules.ts'
import { add, pass } from '../kernels/pointwise.ts'
import { chosenPool, maxPool } from '../kernels/pool.ts'
import { itemGrid } from '../plan/program.ts'
import type { Context } from './context.ts'
import { poolingWindow, sendThroughChoice } from './pool.ts'

export function lowerFrozenRelu(context: Context, { input, output }: Of<'frozenRelu'>, index: number): Backward {
  const { program } = context
  const condition = context.activity.condition(index)
  const { perSample, quadsPerSample } = context.extent(input)
  const grid = itemGrid(quadsPerSample)
  const value = context.value(input)
  const decider = context.mask(perSample)
  const args = { perSample: quadsPerSample, accumulate: 0 }
  const buffers = { input: value, output: context.value(output) }
  program.emit(add, { buffers: { input: value, output: decider }, args, grid, condition, when: 'recording' })
  program.emit(pass, { buffers: { decider, ...buffers }, args, grid, condition })
  return () => {
    const gradient = context.outputGradient(output)
    const target = context.gradient(input)
    if (gradient === undefined || target === undefined) return
    const accumulate = target.accumulate(condition)
    program.emit(pass, {
      buffers: { decider, input: gradient, output: target.buffer },
      args: { perSample: quadsPerSample, accumulate },
      grid,
      condition,
    })
  }
}

export function lowerFrozenMaxPool(context: Context, operation: Of<'frozenMaxPool'>, index: number): Backward {
  const { program } = context
  const condition = context.activity.condition(index)
  const { perSample, quadsPerSample } = context.extent(operation.output)
  const choice = context.mask(perSample)
  const buffers = { input: context.value(operation.input), output: context.value(operation.output), choice }
  const common = { args: poolingWindow(context, operation), grid: itemGrid(quadsPerSample), condition }
  program.emit(maxPool, { buffers, ...common, when: 'recording' })
  program.emit(chosenPool, { buffers, ...common, when: 'not-recording' })
  return () => sendThroughChoice(context, operation, choice, condition)
}
