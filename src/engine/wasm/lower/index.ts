/** Graph → program: every operation's forward calls, the losses, then the ways back in reverse order. */
import type { Graph, Of, Operation } from '../../graph/graph.ts'
import { lowerCombine } from './combine.ts'
import type { Backward, Context } from './context.ts'
import { lowerConvolve } from './convolve.ts'
import { lowerHeads } from './heads.ts'
import { lowerHeldMaxPool, lowerHeldRelu } from './held.ts'
import { lowerBias, lowerDropPath, lowerNoise } from './pointwise.ts'
import { lowerGlobalMean, lowerPool } from './pool.ts'
import { lowerCrop, lowerRearrange } from './rearrange.ts'
import { lowerRelu } from './relu.ts'

type Rule<K extends Operation['kind']> = (context: Context, operation: Of<K>, index: number) => Backward

const rules: { readonly [K in Operation['kind']]: Rule<K> } = {
  combine: lowerCombine,
  convolve: lowerConvolve,
  relu: lowerRelu,
  heldRelu: lowerHeldRelu,
  avgPool: lowerPool,
  maxPool: lowerPool,
  heldMaxPool: lowerHeldMaxPool,
  globalMean: lowerGlobalMean,
  bias: lowerBias,
  crop: lowerCrop,
  dropPath: lowerDropPath,
  noise: lowerNoise,
  rearrange: lowerRearrange,
}

export function emitProgram(context: Context, graph: Graph): void {
  emitInput(context)
  const backwards = graph.operations.map((operation, index) => {
    const rule = rules[operation.kind] as Rule<Operation['kind']>
    return rule(context, operation, index)
  })
  context.program.touch(context.value(graph.network.features))
  lowerHeads(context)
  context.program.enter('backward')
  for (const backward of backwards.reverse()) backward()
}

/** The images, with their channels as stored. */
function emitInput(context: Context): void {
  const { pixelsPerSample, channels } = context.extent(0)
  const dense = context.shape(0).channels
  const output = context.value(0)
  context.program.emit('widen', { input: context.layout.images, output, pixelsPerSample, dense, channels })
}
