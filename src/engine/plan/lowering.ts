/**
 * What the lowering of both static executors shares: one rule for each kind of operation, the stored sizes of values,
 * and gradients to which several operations add.
 */
import type { Value } from '../../core/network.ts'
import type { Graph, Of, Operation } from '../graph/graph.ts'
import type { Temporary } from './placement.ts'

/** Emits the calls of an operation's backward pass, after those of its forward pass. */
export type Backward = () => void

/**
 * Emits the calls of an operation's forward pass and returns the function that emits its backward pass.
 *
 * @typeParam C the state that all rules of a backend share
 * @param index the operation's position in the graph
 */
export type Rule<C, K extends Operation['kind']> = (context: C, operation: Of<K>, index: number) => Backward

/** The lowering rules of a backend, one for each kind of operation. */
export type Rules<C> = { readonly [K in Operation['kind']]: Rule<C, K> }

/**
 * Emits the forward passes of all operations in order and returns the function that emits their backward passes, last
 * operation first.
 */
export function emitForward<C>(context: C, { operations }: Graph, rules: Rules<C>): Backward {
  const backwards = operations.map((operation, index) => {
    const rule = rules[operation.kind] as Rule<C, Operation['kind']>
    return rule(context, operation, index)
  })
  return () => {
    for (const backward of backwards.toReversed()) backward()
  }
}

/** Rounds a number of channels up to the next multiple of 4. */
export const padTo4 = (channels: number): number => Math.ceil(channels / 4) * 4

/**
 * The sizes with which the static executors store a value: [batch, height, width, channels], the channels padded to a
 * multiple of 4.
 */
export interface Extent extends Value {
  readonly pixelsPerSample: number
  /** Number of floats of one sample. */
  readonly perSample: number
}

/** Returns the stored sizes of a value. */
export function extentOf({ height, width, channels }: Value): Extent {
  const stored = padTo4(channels)
  const pixelsPerSample = height * width
  return { height, width, channels: stored, pixelsPerSample, perSample: pixelsPerSample * stored }
}

/** A kernel argument that differs between steps with switched-off paths (`pathMasked`) and steps without (`full`). */
export interface ByPathMask {
  readonly pathMasked: number
  readonly full: number
}

/**
 * The gradient of one value while the backward pass is emitted, when several operations add to it.
 *
 * @typeParam B the type of the buffer that holds the gradient
 */
export class Accumulation<B = Temporary> {
  readonly buffer: B
  readonly #expected: number
  readonly #clear: (when: 'always' | 'pathMasked') => void
  #started = false

  /**
   * Starts without contributions.
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
   * Returns the kernel argument by which the next contribution adds to the buffer (1) or overwrites it (0); call it
   * right before the contribution is emitted. The first contribution overwrites. If switched-off paths may skip it but
   * not a later contribution, masked steps clear the buffer first and add every contribution.
   *
   * @param condition activity flag of the contributing call; −1: it always runs
   */
  accumulate(condition: number): number | ByPathMask {
    if (this.#started) return 1
    this.#started = true
    if (condition < 0 || this.#expected === 1) return 0
    this.#clear('pathMasked')
    return { pathMasked: 1, full: 0 }
  }

  /** Emits a call that clears the buffer, for kernels that can only add; does nothing after the first contribution. */
  clear(): void {
    if (this.#started) return
    this.#started = true
    this.#clear('always')
  }
}

/** Returns the entry of a map; a missing entry is made by `make` and stored. */
export function once<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const value = map.get(key) ?? make()
  map.set(key, value)
  return value
}
