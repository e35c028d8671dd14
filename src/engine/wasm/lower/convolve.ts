/**
 * Lowers the convolutions of one input. Forward: copy the input once into a buffer with a zero border (applying ReLU),
 * called
 * staging, then run each filter over it. Backward: compute the gradient of each filter from the staged input, and the
 * gradient of the staged input summed over the filters, masked by the ReLU.
 */
import type { Of } from '../../graph/graph.ts'
import type { Backward } from '../../plan/rules.ts'
import type { Context } from './context.ts'
import { DenseFilter } from './filters/denseFilter.ts'
import { DepthwiseFilter } from './filters/depthwiseFilter.ts'
import type { FilterEmitter } from './filters/filter.ts'
import { forwardStaging } from './filters/geometry.ts'
import { stageOutputGradient } from './filters/outputGradient.ts'
import { stage } from './filters/staging.ts'
import { beforeRelu, maskGradient } from './relu.ts'

const emitters = { dense: DenseFilter, depthwise: DepthwiseFilter } as const

export function lowerConvolve(context: Context, { input, relu, filters }: Of<'convolve'>, index: number): Backward {
  const shape = context.shape(input)
  const condition = context.activity.condition(index)
  const staging = forwardStaging(shape, Math.max(...filters.map(({ window }) => window.padding)))
  const staged = stage(context, context.value(input), shape, staging, relu, { condition })
  const placed = filters.map((filter, part) => {
    const site = { filter, input, staging, condition: context.activity.partCondition(index, part) }
    const emitter: FilterEmitter = new emitters[filter.kind](context, site)
    return { site, emitter }
  })
  for (const { emitter } of placed) emitter.forward(staged)
  return () => {
    const options = { condition, when: 'weights' } as const
    const restaged = stage(context, context.value(input), shape, staging, relu, options)
    const target = context.gradient(input)
    const sum = target && relu ? beforeRelu(context, input, filters.length) : target
    for (const { site, emitter } of placed) {
      const gradient = stageOutputGradient(context, site, sum !== undefined)
      if (gradient === undefined) continue
      emitter.filterGradient(restaged, gradient)
      if (sum) emitter.inputGradient(gradient, sum)
    }
    if (relu && target && sum) maskGradient(context, input, sum, target, condition)
  }
}
