/**
 * Convolutions of one input, each with its own output. ReLU is applied where the input is read; the gradient wrt the
 * input goes through its mask where it is written, filter by filter.
 */
import type { Filter, Of } from '../../graph/graph.ts'
import type { Temporary } from '../../graph/placement.ts'
import type { Backward, Context } from './context.ts'
import { DenseFilter } from './denseFilter.ts'
import { DepthwiseFilter } from './depthwiseFilter.ts'

/** The dispatches of one filter. */
export interface FilterEmitter {
  forward(): void
  /** @param gradient wrt the filter's output */
  backward(gradient: Temporary): void
}

/** A filter with where it stands. */
export interface FilterSite {
  readonly filter: Filter
  /** Value that the convolution reads. */
  readonly input: number
  readonly relu: boolean
  readonly condition: number
}

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
