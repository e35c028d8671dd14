/**
 * Lowers a graph to a program: the forward calls of all operations, the losses, then the backward calls in reverse
 * order.
 */
import { emitForward, type Rules } from '../../plan/rules.ts'
import { lowerCombine } from './combine.ts'
import type { Context } from './context.ts'
import { lowerConvolve } from './convolve.ts'
import { lowerFrozenMaxPool, lowerFrozenRelu } from './frozen.ts'
import { lowerHeads } from './heads.ts'
import { lowerBias, lowerDropPath, lowerNoise } from './pointwise.ts'
import { lowerGlobalMean, lowerPool } from './pool.ts'
import { lowerCrop, lowerRearrange } from './rearrange.ts'
import { lowerRelu } from './relu.ts'

const rules: Rules<Context> = {
  combine: lowerCombine,
  convolve: lowerConvolve,
  relu: lowerRelu,
  frozenRelu: lowerFrozenRelu,
  avgPool: lowerPool,
  maxPool: lowerPool,
  frozenMaxPool: lowerFrozenMaxPool,
  globalMean: lowerGlobalMean,
  bias: lowerBias,
  crop: lowerCrop,
  dropPath: lowerDropPath,
  noise: lowerNoise,
  rearrange: lowerRearrange,
}

export function emitProgram(context: Context): void {
  const { graph, program } = context
  emitInput(context)
  const emitBackward = emitForward(context, graph, rules)
  program.touch(context.value(graph.network.features))
  lowerHeads(context)
  program.enter('backward')
  emitBackward()
}

/** Copies the images into the first value, padding their channels. */
function emitInput(context: Context): void {
  const { pixelsPerSample, channels } = context.extent(0)
  const dense = context.shape(0).channels
  const output = context.value(0)
  context.program.emit('padChannels', { input: context.layout.images, output, pixelsPerSample, dense, channels })
}
