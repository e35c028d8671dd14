/** The step on the weights: the norm of their gradient, then clipping, decay and momentum at once. */
import { DOT_PARTS, dot, sgd } from '../kernels/vector.ts'
import { fixedGrid } from '../plan/program.ts'
import type { Context } from './context.ts'

export function emitDescent({ program, state }: Context): void {
  const { length, weights, momentum, gradient, parts } = state
  program.enter('descent')
  const args = { length }
  program.emit(dot, { buffers: { x: gradient, y: gradient, parts }, args, grid: () => [DOT_PARTS, 1, 1] })
  program.emit(sgd, { buffers: { gradient, parts, weights, buffer: momentum }, args, grid: fixedGrid(length) })
}
