/**
 * Translates elementwise operations into GPU dispatches: ReLUs that no convolution applies itself (ordinary or frozen),
 * drop path, noise layers, and the bias of the classifier.
 */
import type { Of } from '../../graph/graph.ts'
import type { Backward } from '../../plan/lowering.ts'
import { add, addBias, applyMask, biasGradient, padChannels, relu, scaleSamples } from '../kernels/pointwise.ts'
import { fixedGrid, itemGrid } from '../plan/program.ts'
import type { Context } from './context.ts'

/** Emits a ReLU. Its backward pass lets the gradient through where the input of the ReLU is positive. */
export function lowerRelu(context: Context, { input, output }: Of<'relu'>, index: number): Backward {
  const { program } = context
  const condition = context.activity.condition(index)
  const { quadsPerSample: perSample } = context.extent(input)
  const value = context.value(input)
  const grid = itemGrid(perSample)
  program.emit(relu, { buffers: { input: value, output: context.value(output) }, args: { perSample }, grid, condition })
  return () =>
    context.emitInputGradient({ input, output }, condition, (gradient, result, accumulate) => {
      const buffers = { mask: value, input: gradient, output: result }
      program.emit(applyMask, { buffers, args: { perSample, accumulate }, grid, condition })
    })
}

/**
 * Emits a ReLU with a frozen mask, which passes the elements that were positive when the mask was recorded. A run that
 * records the mask first stores the input of the ReLU as the new mask, so that the output is that of an ordinary ReLU.
 */
export function lowerFrozenRelu(context: Context, { input, output }: Of<'frozenRelu'>, index: number): Backward {
  const { program } = context
  const condition = context.activity.condition(index)
  const { perSample, quadsPerSample } = context.extent(input)
  const grid = itemGrid(quadsPerSample)
  const value = context.value(input)
  const mask = context.mask(perSample)
  const args = { perSample: quadsPerSample, accumulate: 0 }
  const buffers = { input: value, output: context.value(output) }
  program.emit(add, { buffers: { input: value, output: mask }, args, grid, condition, when: 'recording' })
  program.emit(applyMask, { buffers: { mask, ...buffers }, args, grid, condition })
  return () =>
    context.emitInputGradient({ input, output }, condition, (gradient, result, accumulate) => {
      program.emit(applyMask, {
        buffers: { mask, input: gradient, output: result },
        args: { perSample: quadsPerSample, accumulate },
        grid,
        condition,
      })
    })
}

/** Emits drop path: each sample is multiplied by a factor that the host writes, 0 where the path is dropped. */
export function lowerDropPath(context: Context, { input, output, path }: Of<'dropPath'>, index: number): Backward {
  const { program, batchSize } = context
  const condition = context.activity.condition(index)
  const { quadsPerSample: perSample } = context.extent(input)
  const scales = context.feeds.pathScales
  const args = { perSample, first: path * batchSize }
  const grid = itemGrid(perSample)
  const buffers = { input: context.value(input), scales, output: context.value(output) }
  program.emit(scaleSamples, { buffers, args: { ...args, accumulate: 0 }, grid, condition })
  return () =>
    context.emitInputGradient({ input, output }, condition, (gradient, result, accumulate) => {
      const back = { input: gradient, scales, output: result }
      program.emit(scaleSamples, { buffers: back, args: { ...args, accumulate }, grid, condition })
    })
}

/** Emits a noise layer: the host writes the random values, and the dispatch copies them and adds padding channels. */
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

/** Emits the addition of a bias, one number per channel, to an activation tensor [batch, channels]. */
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
