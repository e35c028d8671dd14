/**
 * Emits the kernel calls of slices, shuffles and concatenations of channels, and of crops: copies without arithmetic.
 */
import type { Move, Of } from '../../graph/graph.ts'
import type { Backward } from '../../plan/lowering.ts'
import type { Temporary } from '../../plan/placement.ts'
import type { Context } from './context.ts'

/** Emits the kernel calls of a slice, shuffle or concatenation of channels: one copying call for each input. */
export function lowerRearrange(context: Context, { moves, output }: Of<'rearrange'>, index: number): Backward {
  const { program } = context
  const condition = context.activity.condition(index)
  const { channels, perSample } = context.extent(output)
  const buffer = context.value(output)
  if (context.shape(output).channels < channels) program.emit('fill', { output: buffer, perSample }, { condition })
  const emitters = moves.map((move) => new MoveEmitter(context, move, channels, condition))
  for (const emitter of emitters) emitter.forward(buffer)
  return () => {
    const gradient = context.outputGradient(output)
    if (gradient !== undefined) for (const emitter of emitters) emitter.backward(gradient)
  }
}

/** Emits the kernel calls that copy the channels of one input to their places in the output. */
class MoveEmitter {
  readonly #context: Context
  readonly #move: Move
  readonly #outputChannels: number
  readonly #condition: number

  constructor(context: Context, move: Move, outputChannels: number, condition: number) {
    this.#context = context
    this.#move = move
    this.#outputChannels = outputChannels
    this.#condition = condition
  }

  forward(output: Temporary): void {
    const { program } = this.#context
    const { to, channels } = this.#move
    const input = this.#context.value(this.#move.input)
    const options = { condition: this.#condition }
    const outputChannels = this.#outputChannels
    if (isAlignedRun(this.#move)) {
      const run = { inputFrom: channels[0], outputChannels, outputFrom: to, accumulate: 0 }
      program.emit('copyChannels', { input, output, ...run, ...this.#extents() }, options)
    } else {
      const map = program.table(Uint32Array.from(channels))
      program.emit('gather', { input, output, map, outputChannels, outputFrom: to, ...this.#extents() }, options)
    }
  }

  backward(gradient: Temporary): void {
    const { program } = this.#context
    const { to, channels } = this.#move
    const target = this.#context.gradient(this.#move.input)
    if (target === undefined) return
    target.clear()
    const options = { condition: this.#condition }
    const { count, inputChannels, pixelsPerSample } = this.#extents()
    if (isAlignedRun(this.#move)) {
      program.emit(
        'copyChannels',
        {
          input: gradient,
          output: target.buffer,
          count,
          inputChannels: this.#outputChannels,
          inputFrom: to,
          outputChannels: inputChannels,
          outputFrom: channels[0],
          pixelsPerSample,
          accumulate: 1,
        },
        options,
      )
      return
    }
    const map = program.table(Uint32Array.from(channels))
    const outputChannels = this.#outputChannels
    const back = { gradient, result: target.buffer, map, outputChannels, outputFrom: to }
    program.emit('scatter', { ...back, ...this.#extents() }, options)
  }

  #extents(): { count: number; inputChannels: number; pixelsPerSample: number } {
    const { channels, pixelsPerSample } = this.#context.extent(this.#move.input)
    return { count: this.#move.channels.length, inputChannels: channels, pixelsPerSample }
  }
}

/**
 * Tells whether the copied channels are consecutive, a multiple of 4, and begin at multiples of 4 in input and output.
 */
function isAlignedRun({ channels, to }: Move): boolean {
  const aligned = [channels.length, channels[0], to].every((number) => number % 4 === 0)
  return aligned && channels.every((channel, i) => channel === channels[0] + i)
}

/** Emits the kernel calls of a crop, which cuts off the top rows and the left columns of an image. */
export function lowerCrop(context: Context, { input, output, rows }: Of<'crop'>, index: number): Backward {
  const { program } = context
  const options = { condition: context.activity.condition(index) }
  const { height, width, channels } = context.extent(input)
  const size = { height, width, channels, rows }
  program.emit('crop', { input: context.value(input), output: context.value(output), ...size }, options)
  return () => {
    const gradient = context.outputGradient(output)
    const target = context.gradient(input)
    if (gradient === undefined || target === undefined) return
    target.clear()
    program.emit('cropGradient', { gradient, result: target.buffer, ...size }, options)
  }
}
