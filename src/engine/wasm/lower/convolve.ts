/**
 * Convolutions of one input. Forward: stage the input once (border, ReLU), then run each filter over it. Back: each
 * filter's gradient from the input, staged again, and the gradient wrt the staged input, summed over the filters and
 * sent through the ReLU's mask.
 */
import type { Of } from '../../graph/graph.ts'
import type { Backward, Context } from './context.ts'
import { DenseFilter } from './filters/denseFilter.ts'
import { DepthwiseFilter } from './filters/depthwiseFilter.ts'
import type { FilterEmitter } from './filters/filter.ts'
import { forwardStaging } from './filters/geometry.ts'
import { stage } from './filters/staging.ts'
import { beforeRelu, maskGradient } from './relu.ts'

const emitters = { dense: DenseFilter, depthwise: DepthwiseFilter } as const

export function lowerConvolve(context: Context, { input, relu, filters }: Of<'convolve'>, index: number): Backward {
  const shape = context.shape(input)
  const condition = context.operationCondition(index)
  const staging = forwardStaging(shape, Math.max(...filters.map(({ window }) => window.padding)))
  const staged = stage(context, context.value(input), shape, staging, relu, { condition })
  const group = filters.map((filter, part): FilterEmitter => {
    const site = { filter, input, staging, condition: context.partCondition(index, part) }
    return new emitters[filter.kind](context, site)
  })
  for (const emitter of group) emitter.forward(staged)
  return () => {
    const options = { condition, when: 'weights' } as const
    const restaged = stage(context, context.value(input), shape, staging, relu, options)
    const target = context.gradient(input)
    const sum = target && relu ? beforeRelu(context, input, filters.length) : target
    for (const emitter of group) emitter.backward(restaged, sum)
    if (relu && target && sum) maskGradient(context, input, sum, target, condition)
  }
}
