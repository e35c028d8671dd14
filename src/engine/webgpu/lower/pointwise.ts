/** ReLU where no convolution reads it, drop path, noise, and the classifier's bias. */
import type { Of } from '../../graph/graph.ts'
import type { Backward } from '../../plan/rules.ts'
import { add, addBias, biasGradient, padChannels, pass, relu, scaleSamples } from '../kernels/pointwise.ts'
import { fixedGrid, itemGrid } from '../plan/program.ts'
import type { Context } from './context.ts'

export function lowerRelu(context: Context, { input, output }: Of<'relu'>, index: number): Backward {
  const { program } = context
  const condition = context.activity.condition(index)
  const { quadsPerSample: perSample } = context.extent(input)
  const value = context.value(input)
  const grid = itemGrid(perSample)
  program.emit(relu, { buffers: { input: value, output: context.value(output) }, args: { perSample }, grid, condition })
  return () => {
    const gradient = context.outputGradient(output)
    const target = context.gradient(input)
    if (gradient === undefined || target === undefined) return
    const accumulate = target.accumulate(condition)
    const buffers = { decider: value, input: gradient, output: target.buffer }
    program.emit(pass, { buffers, args: { perSample, accumulate }, grid, condition })
  }
}

export function lowerDropPath(context: Context, { input, output, path }: Of<'dropPath'>, index: number): Backward {
  const { program, batchSize } = context
  const condition = context.activity.condition(index)
  const { quadsPerSample: perSample } = context.extent(input)
  const scales = context.feeds.pathScales
  const args = { perSample, first: path * batchSize }
  const grid = itemGrid(perSample)
  const buffers = { input: context.value(input), scales, output: context.value(output) }
  program.emit(scaleSamples, { buffers, args: { ...args, accumulate: 0 }, grid, condition })
  return () => {
    const gradient = context.outputGradient(output)
    const target = context.gradient(input)
    if (gradient === undefined || target === undefined) return
    const accumulate = target.accumulate(condition)
    const back = { input: gradient, scales, output: target.buffer }
    program.emit(scaleSamples, { buffers: back, args: { ...args, accumulate }, grid, condition })
  }
}

/** The host writes it densely; here it gets its channels as stored. */
export function lowerNoise(context: Context, { output, site }: Of<'noise'>, index: number): Backward {
  const condition = context.activity.condition(index)
  const { pixelsPerSample, quads, quadsPerSample } = context.extent(output)
  const images = context.noise(site, output, condition)
  context.program.emit(padChannels, {
    buffers: { images, output: context.value(output) },
    args: { pixelsPerSample, channels: context.shape(output).channels, quads },
    grid: itemGrid(quadsPerSample),
    condition,
  })
  return () => {}
}

export function lowerBias(context: Context, { input, output, parameter }: Of<'bias'>, index: number): Backward {
  const { program, state } = context
  const condition = context.activity.condition(index)
  const { quads, quadsPerSample: perSample } = context.extent(output)
  const args = { quads, channels: context.shape(output).channels, parameter: context.parameter(parameter) }
  program.emit(addBias, {
    buffers: { input: context.value(input), weights: state.weights, output: context.value(output) },
    args,
    grid: itemGrid(quads),
    condition,
  })
  return () => {
    const gradient = context.outputGradient(output)
    if (gradient === undefined) return
    program.emit(biasGradient, {
      buffers: { output: gradient, gradient: state.gradient },
      args,
      grid: fixedGrid(quads),
      condition,
      when: 'weights',
    })
    const target = context.gradient(input)
    if (target === undefined) return
    const accumulate = target.accumulate(condition)
    const buffers = { input: gradient, output: target.buffer }
    program.emit(add, { buffers, args: { perSample, accumulate }, grid: itemGrid(perSample), condition })
  }
}
