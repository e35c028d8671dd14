/** Emits the kernel calls of drop path, of noise layers, and of the biases of linear layers. */
import type { Of } from '../../graph/graph.ts'
import type { Backward } from '../../plan/lowering.ts'
import type { Context } from './context.ts'

/** Emits the kernel calls of drop path, which multiplies each sample by a scale that the host has drawn. */
export function lowerDropPath(context: Context, { input, output, path }: Of<'dropPath'>, index: number): Backward {
  const { program } = context
  const condition = context.activity.condition(index)
  const { perSample } = context.extent(input)
  const scales = context.layout.pathScales + path * context.batchSize * 4
  program.emit(
    'scaleSamples',
    { input: context.value(input), scales, output: context.value(output), perSample, accumulate: 0 },
    { condition },
  )
  return () => {
    const gradient = context.outputGradient(output)
    const target = context.gradient(input)
    if (gradient === undefined || target === undefined) return
    const accumulate = target.accumulate(condition)
    program.emit(
      'scaleSamples',
      { input: gradient, scales, output: target.buffer, perSample, accumulate },
      { condition },
    )
  }
}

/**
 * Emits the kernel call of a noise layer. The host writes random numbers into memory; the call copies them into the
 * layer's output and adds padding channels.
 */
export function lowerNoise(context: Context, { output, site }: Of<'noise'>, index: number): Backward {
  const condition = context.activity.condition(index)
  const { pixelsPerSample, channels } = context.extent(output)
  const dense = context.shape(output).channels
  const address = context.noise(site, output, condition)
  context.program.emit(
    'padChannels',
    { input: address, output: context.value(output), pixelsPerSample, dense, channels },
    { condition },
  )
  return () => {}
}

/** Emits the kernel calls that add the bias of a linear layer, and those of its gradient. */
export function lowerBias(context: Context, { input, output, parameter }: Of<'bias'>, index: number): Backward {
  const { program } = context
  const condition = context.activity.condition(index)
  const { channels, perSample } = context.extent(output)
  const dense = context.shape(output).channels
  const bias = context.parameter(parameter)
  program.emit(
    'addBias',
    { input: context.value(input), bias, output: context.value(output), channels, dense },
    { condition },
  )
  return () => {
    const gradient = context.outputGradient(output)
    if (gradient === undefined) return
    const result = context.parameterGradient(parameter)
    program.emit('biasGradient', { gradient, result, channels, dense }, { condition, when: 'weights' })
    const target = context.gradient(input)
    if (target === undefined) return
    const add = target.accumulate(condition)
    program.emit('accumulate', { input: gradient, output: target.buffer, perSample, add }, { condition })
  }
}
