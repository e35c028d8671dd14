/** Operations that only move numbers: channel maps and crops. */
import type { Move, Of } from '../../graph/graph.ts'
import { clear } from '../kernels/pointwise.ts'
import { crop, cropGradient, gather, scatter } from '../kernels/rearrange.ts'
import { itemGrid } from '../program.ts'
import type { Backward, Context } from './context.ts'

export function lowerRearrange(context: Context, { moves, output }: Of<'rearrange'>, index: number): Backward {
  const { program } = context
  const condition = context.operationCondition(index)
  const { channels, quadsPerSample, pixelsPerSample } = context.extent(output)
  const buffer = context.value(output)
  if (context.shape(output).channels < channels) {
    const args = { perSample: quadsPerSample }
    program.emit(clear, { buffers: { output: buffer }, args, grid: itemGrid(quadsPerSample), condition })
  }
  const mapped = moves.map((move) => ({ move, maps: program.table(move.channels) }))
  const common = ({ input, channels: moved, to }: Move) => ({
    args: {
      ...{ count: moved.length, inputChannels: context.extent(input).channels },
      ...{ outputChannels: channels, outputFrom: to, pixelsPerSample },
    },
    grid: itemGrid(pixelsPerSample * moved.length),
    condition,
  })
  for (const { move, maps } of mapped) {
    program.emit(gather, { buffers: { input: context.value(move.input), maps, output: buffer }, ...common(move) })
  }
  return () => {
    const gradient = context.outputGradient(output)
    if (gradient === undefined) return
    for (const { move, maps } of mapped) {
      const target = context.gradient(move.input)
      if (target === undefined) continue
      target.clear()
      program.emit(scatter, { buffers: { gradient, maps, result: target.buffer }, ...common(move) })
    }
  }
}

export function lowerCrop(context: Context, { input, output, rows }: Of<'crop'>, index: number): Backward {
  const { program } = context
  const condition = context.operationCondition(index)
  const { height, width, quads, quadsPerSample } = context.extent(input)
  const args = { height, width, quads, rows }
  program.emit(crop, {
    buffers: { input: context.value(input), output: context.value(output) },
    args,
    grid: itemGrid(context.extent(output).quadsPerSample),
    condition,
  })
  return () => {
    const gradient = context.outputGradient(output)
    const target = context.gradient(input)
    if (gradient === undefined || target === undefined) return
    const accumulate = target.accumulate(condition)
    const buffers = { gradient, result: target.buffer }
    program.emit(cropGradient, { buffers, args: { ...args, accumulate }, grid: itemGrid(quadsPerSample), condition })
  }
}
