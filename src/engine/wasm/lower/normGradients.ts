/**
 * Two things that a convolution shares with the normalisation that reads it: the sums for the moments are collected as
 * the outputs are written, and the gradient is made where it is staged, so neither costs a pass of its own.
 */
import type { ValueId } from '../../../core/network.ts'
import type { Graph } from '../../graph/graph.ts'
import { convolvedForOneNorm } from '../../graph/normReads.ts'
import type { Temporary } from '../../graph/placement.ts'
import type { Program } from '../program.ts'

/** ∂L/∂value = slope·gradient + curve·value + offset, by channel. */
export interface DeferredGradient {
  readonly gradient: Temporary
  /** Address of [slope | curve | offset]. */
  readonly slopes: number
}

export class NormGradients {
  readonly #sums = new Map<ValueId, number>()
  readonly #deferrable: ReadonlySet<ValueId>
  readonly #deferred = new Map<ValueId, DeferredGradient>()

  /** @param stored channels of a value as stored */
  constructor(program: Program, graph: Graph, stored: (id: ValueId) => number) {
    this.#deferrable = convolvedForOneNorm(graph)
    for (const id of this.#deferrable) this.#sums.set(id, program.reserve(stored(id) * 16))
  }

  /** Where the producer of a value collects its sums; 0 where it does not. */
  sums(id: ValueId): number {
    return this.#sums.get(id) ?? 0
  }

  /** Leaves the gradient to the value's producer. False where it must be made at once. */
  defer(id: ValueId, gradient: DeferredGradient): boolean {
    if (!this.#deferrable.has(id)) return false
    this.#deferred.set(id, gradient)
    return true
  }

  deferred(id: ValueId): DeferredGradient | undefined {
    return this.#deferred.get(id)
  }
}
