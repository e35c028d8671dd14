/** Graph → program: every operation's forward dispatches, the losses, then the ways back in reverse order. */
import { emitForward, type Rules } from '../../plan/rules.ts'
import { total } from '../kernels/norm.ts'
import { padChannels } from '../kernels/pointwise.ts'
import { GRADIENT_TALLY } from '../plan/layout.ts'
import { fixedGrid, itemGrid } from '../plan/program.ts'
import { lowerCombine } from './combine.ts'
import type { Context } from './context.ts'
import { lowerConvolve } from './convolve.ts'
import { emitDescent } from './descent.ts'
import { lowerFrozenMaxPool, lowerFrozenRelu } from './frozen.ts'
import { lowerHeads } from './heads.ts'
import { lowerBias, lowerDropPath, lowerNoise, lowerRelu } from './pointwise.ts'
import { lowerAvgPool, lowerGlobalMean, lowerMaxPool } from './pool.ts'
import { lowerCrop, lowerRearrange } from './rearrange.ts'

const rules: Rules<Context> = {
  combine: lowerCombine,
  convolve: lowerConvolve,
  relu: lowerRelu,
  frozenRelu: lowerFrozenRelu,
  avgPool: lowerAvgPool,
  maxPool: lowerMaxPool,
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
  emitTotals(context)
  emitDescent(context)
}

/** The images, with their channels as stored. */
function emitInput(context: Context): void {
  const { pixelsPerSample, quads, quadsPerSample } = context.extent(0)
  context.program.emit(padChannels, {
    buffers: { images: context.feeds.images, output: context.value(0) },
    args: { pixelsPerSample, channels: context.shape(0).channels, quads },
    grid: itemGrid(quadsPerSample),
  })
}

/** ∂L/∂c of every term, at once. */
function emitTotals({ program, tables, feeds }: Context): void {
  const { contributions: bases, vectors, termCount } = tables
  if (termCount === 0) return
  const buffers = { bases, vectors, results: feeds.results }
  program.emit(total, {
    buffers,
    args: { first: 4 * (GRADIENT_TALLY + 1), termCount },
    grid: fixedGrid(termCount),
    when: 'coefficients',
  })
}
