/**
 * Convolutions of one input, each with its own output. ReLU is applied where the input is read; the gradient wrt the
 * input goes through its mask where it is written, filter by filter.
 */
import type { Of } from '../../graph/graph.ts'
import type { Backward, Context } from './context.ts'
import { DenseFilter } from './denseFilter.ts'
import { DepthwiseFilter } from './depthwiseFilter.ts'
import type { FilterEmitter } from './filter.ts'

const emitters = { dense: DenseFilter, depthwise: DepthwiseFilter } as const

export function lowerConvolve(context: Context, { input, relu, filters }: Of<'convolve'>, index: number): Backward {
  const group = filters.map((filter, part) => {
    const condition = context.partCondition(index, part)
    const emitter: FilterEmitter = new emitters[filter.kind](context, { filter, input, relu, condition })
    return { emitter, output: filter.output }
  })
  for (const { emitter } of group) emitter.forward()
  return () => {
    for (const { emitter, output } of group) {
      const gradient = context.outputGradient(output)
      if (gradient !== undefined) emitter.backward(gradient)
    }
  }
}
