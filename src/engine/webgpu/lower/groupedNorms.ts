/**
 * Nodes of one normalised term each that are never stored (see `readThrough.ts`), side by side: their scales and shifts at
 * once; back, one pass over all values and gradients, and one dispatch for all that follows from its sums.
 */

import type { Backward } from '../../plan/rules.ts'
import { FINISH_QUADS } from '../kernels/columnSums.ts'
import { computeScaleShift, differentiate } from '../kernels/norm.ts'
import { reduceProductsEach } from '../kernels/reduceProducts.ts'
import { spanOf } from '../plan/storage.ts'
import { columnChunks } from './chunks.ts'
import type { Context } from './context.ts'
import type { GroupedNorm } from './terms/normGroups.ts'

export function lowerNorms(context: Context, group: readonly GroupedNorm[]): Backward {
  const { program, feeds, state, tables, batchSize } = context
  const { terms, moments, vectors, termCount } = tables
  const { weights, statistics } = state
  const [{ index, node }] = group
  const extent = context.extent(node)
  const { quads, pixelsPerSample } = extent
  const { args: columns, count, blocks } = columnChunks(extent, batchSize)
  const [{ number: first }] = context.terms(index)
  const condition = group.length === 1 ? context.activity.condition(index) : -1
  const args = { first, termCount, quads, channels: context.shape(node).channels, pixelsPerSample }
  const grid = () => [Math.ceil(quads / FINISH_QUADS), group.length, 1] as const
  program.emit(computeScaleShift, {
    buffers: { terms, feed: feeds.terms, moments, weights, statistics, vectors },
    ...{ args, grid, condition },
  })
  return () => {
    const gradients = group.flatMap((norm) => context.outputGradient(norm.node) ?? [])
    if (gradients.length === 0) return
    const products = program.temporary(2 * group.length * count * extent.channels * 4, 'projections')
    program.emit(reduceProductsEach, {
      buffers: {
        ...{ terms, feed: feeds.terms, vectors, products },
        values: spanOf(group.map((norm) => context.value(norm.value))),
        gradients: spanOf(gradients),
      },
      args: { ...columns, first, termCount, chunkCount: count },
      grid: () => [count, blocks, group.length],
      condition,
    })
    program.emit(differentiate, {
      buffers: { terms, feed: feeds.terms, products, weights, gradient: state.gradient, vectors },
      args: { ...args, pixelsPerChunk: columns.pixelsPerChunk, chunkCount: count },
      ...{ grid, condition },
    })
  }
}
