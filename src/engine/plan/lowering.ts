/**
 * Code for lowering a graph to kernel calls that the static executors on WebAssembly and WebGPU share: the type of a
 * lowering rule, the stored sizes of values, and gradients to which several operations add.
 */
import type { Value, ValueId } from '../../core/network.ts'
import type { Graph, Of, Operation } from '../graph/graph.ts'
import type { Temporary } from './placement.ts'

/**
 * A function that emits the kernel calls of an operation's backward pass; it is called after all forward passes are
 * emitted.
 */
export type Backward = () => void

/**
 * A function that emits the kernel calls of an operation's forward pass, and returns the function that emits those of
 * its backward pass.
 *
 * @typeParam C the state that all rules of a backend share
 * @param index the operation's position in the graph
 */
export type Rule<C, K extends Operation['kind']> = (context: C, operation: Of<K>, index: number) => Backward

/** The lowering rules of a backend, one for each kind of operation in a graph. */
export type Rules<C> = { readonly [K in Operation['kind']]: Rule<C, K> }

/**
 * The part of the lowering state, shared by all rules of a backend, that `emitPasses` needs.
 * @typeParam B the type of the buffer in which a value or gradient is stored
 */
interface Emission<B> {
  readonly graph: Graph
  readonly program: {
    /** Begins a section of the program; run times are measured for each section. */
    enter(section: 'backward'): void
    /** Marks a buffer as in use at this point of the program, so that its memory is not reused before. */
    touch(buffer: B): void
  }
  value(id: ValueId): B
  gradient(id: ValueId): { readonly buffer?: B; accumulate(index: number): void } | undefined
}

/**
 * Emits the kernel calls that load the input, the forward passes of all operations in order, the losses, and the
 * backward passes, the last operation first. Features, and observed activations with their gradients, stay readable
 * until the end of the program.
 */
export function emitPasses<B, C extends Emission<B>>(
  context: C,
  rules: Rules<C>,
  emit: { readonly input: (context: C) => void; readonly heads: (context: C) => void },
): void {
  const { graph, program } = context
  const { features, observed = [] } = graph.network
  // The host writes the cotangents of observed activations, or zeros, before the backward pass, and every operation
  // adds to them.
  const touchGradients = () => {
    const gradients = observed.flatMap((id) => context.gradient(id) ?? [])
    for (const gradient of gradients) gradient.accumulate(-1)
    for (const { buffer } of gradients) if (buffer !== undefined) program.touch(buffer)
  }
  emit.input(context)
  const backwards = graph.operations.map((operation, index) => {
    const rule = rules[operation.kind] as Rule<C, Operation['kind']>
    return rule(context, operation, index)
  })
  program.touch(context.value(features))
  emit.heads(context)
  program.enter('backward')
  touchGradients()
  for (const backward of backwards.toReversed()) backward()
  for (const id of observed) program.touch(context.value(id))
  touchGradients()
}

/** Rounds a number of channels up to the next multiple of 4, as kernels need it. */
export const padTo4 = (channels: number): number => Math.ceil(channels / 4) * 4

/**
 * The sizes with which the static executors store a value of the graph: [batch, height, width, channels], the channels
 * padded to a multiple of 4.
 */
export interface Extent extends Value {
  readonly pixelsPerSample: number
  /** Number of stored floats for each sample of the batch, padding channels included. */
  readonly perSample: number
}

/** Returns the sizes with which a value of the graph is stored. */
export function extentOf({ height, width, channels }: Value): Extent {
  const stored = padTo4(channels)
  const pixelsPerSample = height * width
  return { height, width, channels: stored, pixelsPerSample, perSample: pixelsPerSample * stored }
}

/**
 * A kernel argument with two values: `pathMasked` for steps in which some paths are switched off, `full` for all other
 * steps.
 */
export interface ByPathMask {
  readonly pathMasked: number
  readonly full: number
}

/**
 * Emits the backward pass's writes to the gradient of one value: the first operation overwrites the gradient's buffer,
 * the others add to it.
 *
 * @typeParam B the type of the buffer that holds the gradient
 */
export class Accumulation<B = Temporary> {
  readonly buffer: B
  readonly #expected: number
  readonly #clear: (when: 'always' | 'pathMasked') => void
  #started = false

  /**
   * Makes an object for one gradient, to which no operation has added yet.
   *
   * @param expected how many operations add to the gradient
   * @param clear emits the call that fills the buffer with zeros
   */
  constructor(buffer: B, expected: number, clear: (when: 'always' | 'pathMasked') => void) {
    this.buffer = buffer
    this.#expected = expected
    this.#clear = clear
  }

  /**
   * Returns the kernel argument that tells whether the next operation adds to the gradient's buffer (1) or overwrites
   * it (0). Call it right before the operation's kernel call is emitted. The first operation overwrites. But if
   * switched-off paths may skip the first operation and not a later one, steps with switched-off paths clear the buffer
   * first and every operation adds.
   *
   * @param condition position of the activity flag that decides whether the operation runs; −1: it always runs
   */
  accumulate(condition: number): number | ByPathMask {
    if (this.#started) return 1
    this.#started = true
    if (condition < 0 || this.#expected === 1) return 0
    this.#clear('pathMasked')
    return { pathMasked: 1, full: 0 }
  }

  /**
   * Emits a call that fills the gradient's buffer with zeros, for kernels that can only add; does nothing after the
   * first operation.
   */
  clear(): void {
    if (this.#started) return
    this.#started = true
    this.#clear('always')
  }
}

/** Returns the entry of a map; if it is missing, stores and returns what `make` returns. */
export function once<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const value = map.get(key) ?? make()
  map.set(key, value)
  return value
}
