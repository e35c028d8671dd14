/**
 * Translates into GPU dispatches: operations that copy channels (slices, shuffles, concatenations), and crops of
 * images.
 */
import type { ValueId } from '../../../core/network.ts'
import { type Move, type Of, offsetsOf } from '../../graph/graph.ts'
import type { Backward } from '../../plan/lowering.ts'
import { NONE } from '../device/kernel.ts'
import { crop, cropGradient, gather, INPUT_STEP, KEEP, scatter } from '../kernels/rearrange.ts'
import { itemGrid } from '../plan/program.ts'
import type { Transient } from '../plan/storage.ts'
import type { Context } from './context.ts'
import { chunksOf, numberedArgs, numberedBuffers } from './grouping.ts'

/** Emits the dispatches that copy channels of several activation tensors into one, and those of the backward pass. */
export function lowerRearrange(context: Context, { moves, output }: Of<'rearrange'>, index: number): Backward {
  const condition = context.activity.condition(index)
  emitGathers(context, moves, output, condition)
  return () => {
    const gradient = context.outputGradient(output)
    if (gradient !== undefined) emitScatters(context, moves, { id: output, gradient }, condition)
  }
}

/**
 * Emits the dispatches that copy channels to the output. Each dispatch reads as many inputs as it can bind; the first
 * also sets to 0 all output channels to which no input is copied.
 */
function emitGathers(context: Context, moves: readonly Move[], output: ValueId, condition: number): void {
  const { program, bindings } = context
  const { channels, pixelsPerSample } = context.extent(output)
  for (const [i, group] of chunksOf(moves, bindings - 2).entries()) {
    const map = new Array<number>(channels).fill(i === 0 ? NONE : KEEP)
    group.forEach(({ channels: moved, to }, j) => {
      moved.forEach((channel, at) => {
        map[to + at] = INPUT_STEP * j + channel
      })
    })
    program.emit(gather(group.length), {
      buffers: {
        ...{ map: program.table(map), output: context.value(output) },
        ...numberedBuffers('input', group, ({ input }) => context.value(input)),
      },
      args: {
        ...{ channels, pixelsPerSample },
        ...numberedArgs('inputChannels', group, ({ input }) => context.extent(input).channels),
      },
      grid: itemGrid(pixelsPerSample * channels),
      condition,
    })
  }
}

/**
 * Emits the dispatches of the gradients with respect to the inputs. Each dispatch writes as many gradients as it can
 * bind, but no gradient twice.
 */
function emitScatters(
  context: Context,
  moves: readonly Move[],
  { id, gradient }: { readonly id: ValueId; readonly gradient: Transient },
  condition: number,
): void {
  const { program, bindings } = context
  const { channels: gradientChannels, pixelsPerSample } = context.extent(id)
  const differentiable = moves.filter(({ input }) => context.gradient(input) !== undefined)
  for (const group of chunksOf(differentiable, bindings - 2, ({ input }) => input)) {
    const targets = group.flatMap(({ input }) => context.gradient(input) ?? [])
    const accumulate = targets.map((target) => target.accumulate(condition))
    const maps = group.map((move) => destinationsOf(move, context.extent(move.input).channels))
    const widths = maps.map((map) => map.length)
    const widest = Math.max(...widths)
    const offsets = offsetsOf(widths)
    program.emit(scatter(group.length), {
      buffers: {
        ...{ gradient, maps: program.table(maps.flat()) },
        ...numberedBuffers('result', targets, ({ buffer }) => buffer),
      },
      args: {
        ...{ gradientChannels, pixelsPerSample, widest },
        ...numberedArgs('channels', widths, (width) => width),
        ...numberedArgs('map', offsets, (offset) => offset),
        ...numberedArgs('accumulate', accumulate, (own) => own),
      },
      grid: itemGrid(pixelsPerSample * widest),
      condition,
    })
  }
}

/** Returns for each stored channel of an input the output channel to which it is copied; NONE if it is not copied. */
function destinationsOf({ channels, to }: Move, stored: number): number[] {
  const map = new Array<number>(stored).fill(NONE)
  channels.forEach((channel, i) => {
    map[channel] = to + i
  })
  return map
}

/** Emits a crop, which removes the first `rows` rows and first `rows` columns of every image, and its backward pass. */
export function lowerCrop(context: Context, { input, output, rows }: Of<'crop'>, index: number): Backward {
  const { program } = context
  const condition = context.activity.condition(index)
  const { height, width, quads, quadsPerSample } = context.extent(input)
  const args = { height, width, quads, rows }
  program.emit(crop, {
    buffers: { input: context.value(input), output: context.value(output) },
    args,
    grid: itemGrid(context.extent(output).quadsPerSample),
    condition,
  })
  return () =>
    context.emitInputGradient({ input, output }, condition, (gradient, result, accumulate) => {
      const buffers = { gradient, result }
      program.emit(cropGradient, { buffers, args: { ...args, accumulate }, grid: itemGrid(quadsPerSample), condition })
    })
}
