/**
 * Convolutions of one input, each with its own output: one dispatch for all dense ones and one for all depthwise ones.
 * ReLU is applied where the input is read; the gradient wrt the input, the sum over all filters, goes through its mask
 * where it is written. Partial sums of the filters' gradients wait for those of other convolutions.
 */
import type { Of } from '../../graph/graph.ts'
import { sumChunks, sumGroups } from '../kernels/filterGradient.ts'
import type { Storage } from '../storage.ts'
import type { Backward, Context } from './context.ts'
import { DenseGroup } from './denseGroup.ts'
import { DepthwiseGroup } from './depthwiseGroup.ts'
import type { FilterGroupEmitter } from './filterGroup.ts'
import type { FilterRun } from './filterPlaces.ts'

const emitters = { dense: DenseGroup, depthwise: DepthwiseGroup } as const

export function lowerConvolve(context: Context, convolution: Of<'convolve'>, index: number): Backward {
  const condition = context.operationCondition(index)
  const { groups, waiting, last } = context.convolution(index)
  const placed = groups.map((group) => {
    const emitter: FilterGroupEmitter = new emitters[group.kind](context, { group, convolution, condition })
    return { group, emitter }
  })
  for (const { emitter } of placed) emitter.forward()
  return () => {
    const chunks = context.chunks(waiting)
    for (const { group, emitter } of placed) {
      emitter.backward(context.outputGradients(group), { of: chunks, ...group.chunks })
    }
    if (last) emitSums(context, waiting, chunks)
  }
}

/** The gradients of many filters, from all their partial sums. */
function emitSums({ program, tables, state }: Context, { first, filters: own }: FilterRun, chunks: Storage): void {
  const { filters, flags } = tables
  const groups = Math.max(...own.map(({ record }) => sumGroups(record)))
  program.emit(sumChunks, {
    buffers: { filters, flags, chunks, gradient: state.gradient },
    args: { first },
    grid: (_, most) => [Math.min(most, groups), own.length, 1],
    when: 'weights',
  })
}
