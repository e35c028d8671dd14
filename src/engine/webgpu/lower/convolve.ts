/**
 * Convolutions, by groups of filters that dispatches take together (`filterDrafts.ts`): where the first of a group stands,
 * all of it runs. ReLU is applied where the input is read; the gradient wrt the input goes through its mask where it is
 * written. Partial sums of the filters' gradients wait for those of other groups.
 */
import type { Of } from '../../graph/graph.ts'
import type { Backward } from '../../plan/rules.ts'
import { sumChunks, sumGroups } from '../kernels/filterGradient.ts'
import type { Storage } from '../plan/storage.ts'
import type { Context } from './context.ts'
import { DenseGroup } from './filters/denseGroup.ts'
import { DepthwiseGroup } from './filters/depthwiseGroup.ts'
import type { FilterGroupEmitter } from './filters/filterGroup.ts'
import type { FilterGroup, WaitingFilters } from './filters/filterPlaces.ts'
import { outputGradientsOf } from './filters/groupBuffers.ts'

const emitters = { dense: DenseGroup, depthwise: DepthwiseGroup } as const

export function lowerConvolve(context: Context, _: Of<'convolve'>, index: number): Backward {
  const placed = groupsFrom(context, index).map((group) => {
    const emitter: FilterGroupEmitter = new emitters[group.kind](context, group)
    return { group, emitter }
  })
  for (const { emitter } of placed) emitter.forward()
  return () => {
    for (const { group, emitter } of placed.toReversed()) {
      const { waiting, first } = group
      const chunks = context.chunks(waiting)
      emitter.backward(outputGradientsOf(context, group), { of: chunks, ...group.chunks })
      if (first === waiting.first) emitSums(context, waiting, chunks)
    }
  }
}

/** The groups of which the operation has the first filter. */
const groupsFrom = ({ tables }: Context, index: number): FilterGroup[] =>
  tables.groups.filter(({ operations }) => Math.min(...operations) === index)

/** The gradients of many filters, from all their partial sums. */
function emitSums({ program, tables, state }: Context, waiting: WaitingFilters, chunks: Storage): void {
  const { filters, flags } = tables
  const groups = Math.max(...waiting.filters.map(({ record }) => sumGroups(record)))
  program.emit(sumChunks, {
    buffers: { filters, flags, chunks, gradient: state.gradient },
    args: { first: waiting.first },
    grid: (_, most) => [Math.min(most, groups), waiting.filters.length, 1],
    when: 'weights',
  })
}
