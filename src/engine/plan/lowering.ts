/** The frame in which a graph becomes a static plan: one lowering rule per kind of operation, forward and backward. */

import type { Value } from '../../core/network.ts'
import type { Graph, Of, Operation } from '../graph/graph.ts'
import type { Temporary } from './placement.ts'

/** Emits the backward pass of one operation, whose forward pass has been emitted. */
export type Backward = () => void

/**
 * Emits the forward pass of one operation and returns what emits its backward pass.
 *
 * @typeParam C what the rules of one backend share
 */
export type Rule<C, K extends Operation['kind']> = (context: C, operation: Of<K>, index: number) => Backward

/** One rule for every kind of operation. */
export type Rules<C> = { readonly [K in Operation['kind']]: Rule<C, K> }

/** Emits the forward passes of all operations in order. → a function that emits the backward passes, last operation first */
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

/** The sizes of a stored value; `channels` includes the padding. */
export interface Extent extends Value {
  readonly pixelsPerSample: number
  /** Floats of one sample. */
  readonly perSample: number
}

/** Computes the stored sizes of a value. */
export function extentOf({ height, width, channels }: Value): Extent {
  const stored = padTo4(channels)
  const pixelsPerSample = height * width
  return { height, width, channels: stored, pixelsPerSample, perSample: pixelsPerSample * stored }
}

/** A kernel argument with one value for steps with switched-off paths and another for full steps. */
export interface ByPathMask {
  readonly pathMasked: number
  readonly full: number
}

/** @typeParam B the buffer that holds the gradient */
export class Accumulation<B = Temporary> {
  readonly buffer: B
  readonly #expected: number
  readonly #clear: (when: 'always' | 'pathMasked') => void
  #started = false

  /**
   * @param expected how many operations add to the gradient
   * @param clear emits the call that fills the buffer with zeros
   */
  constructor(buffer: B, expected: number, clear: (when: 'always' | 'pathMasked') => void) {
    this.buffer = buffer
    this.#expected = expected
    this.#clear = clear
  }

  /**
   * Says whether the next contribution adds (1) or overwrites (0); called right before it is emitted. The first
   * contribution overwrites. Where switched-off paths may skip it but not a later one, the buffer is cleared before and the
   * first contribution adds, too.
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

  /** Clears the buffer for contributions that can only add; does nothing after the first contribution. */
  clear(): void {
    if (this.#started) return
    this.#started = true
    this.#clear('always')
  }
}

export function once<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const value = map.get(key) ?? make()
  map.set(key, value)
  return value
}
