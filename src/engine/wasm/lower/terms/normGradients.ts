/**
 * Two things that a convolution shares with the normalisation that reads it: the sums for the moments are collected as
 * the outputs are written, and the gradient is made where it is staged, so neither costs a pass of its own.
 */
import type { ValueId } from '../../../../core/network.ts'
import { convolvedForOneNorm } from '../../../graph/dataflow.ts'
import type { Graph } from '../../../graph/graph.ts'
import type { Temporary } from '../../../plan/placement.ts'

/** ∂L/∂value = slope·gradient + curve·value + offset, by channel. */
export interface DeferredGradient {
  readonly gradient: Temporary
  /** Address of [slope | curve | offset]. */
  readonly slopes: number
}

export class NormGradients {
  readonly #rows = new Map<ValueId, Temporary>()
  readonly #deferrable: ReadonlySet<ValueId>
  readonly #deferred = new Map<ValueId, DeferredGradient>()

  /** @param rows room for the sums of a value's chunks */
  constructor(graph: Graph, rows: (id: ValueId) => Temporary) {
    this.#deferrable = convolvedForOneNorm(graph)
    for (const id of this.#deferrable) this.#rows.set(id, rows(id))
  }

  /** Where the producer of a value leaves the sums of its chunks; undefined where it does not. */
  rows(id: ValueId): Temporary | undefined {
    return this.#rows.get(id)
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
