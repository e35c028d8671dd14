/** Shapes of values, which all have four axes. */
import type { ValueId } from '../../../core/network.ts'
import type { Context } from './rule.ts'

/** [batch, height, width, channels] of a value in this pass. */
export function shapeOf(id: ValueId, { values, batchSize }: Context): [number, number, number, number] {
  const { height, width, channels } = values[id]
  return [batchSize, height, width, channels]
}
