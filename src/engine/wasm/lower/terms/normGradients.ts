/**
 * Connects a convolution with the normalisation that reads it: the partial sums of the moments are collected while the
 * outputs
 * are written, and the gradient is computed while it is staged, so that neither costs a pass of its own.
 */
import type { ValueId } from '../../../../core/network.ts'
import { convolvedForOneNorm } from '../../../graph/dataflow.ts'
import type { Graph } from '../../../graph/graph.ts'
import type { Temporary } from '../../../plan/placement.ts'

/** The gradient of a normalised value as slope·gradient + curve·value + offset, with coefficients for each channel. */
export interface DeferredGradient {
  readonly gradient: Temporary
  /** Address of the vectors slope, curve and offset, one after the other. */
  readonly slopes: number
}

export class NormGradients {
  readonly #rows = new Map<ValueId, Temporary>()
  readonly #deferrable: ReadonlySet<ValueId>
  readonly #deferred = new Map<ValueId, DeferredGradient>()

  /** Registers a value whose producer collects the partial sums. @param rows the buffer of the partial sums */
  constructor(graph: Graph, rows: (id: ValueId) => Temporary) {
    this.#deferrable = convolvedForOneNorm(graph)
    for (const id of this.#deferrable) this.#rows.set(id, rows(id))
  }

  /** Returns the buffer in which the producer of a value collects partial sums; undefined if it does not. */
  rows(id: ValueId): Temporary | undefined {
    return this.#rows.get(id)
  }

  /** Lets the producer of the value compute its gradient. → false if the gradient must be computed here */
  defer(id: ValueId, gradient: DeferredGradient): boolean {
    if (!this.#deferrable.has(id)) return false
    this.#deferred.set(id, gradient)
    return true
  }

  deferred(id: ValueId): DeferredGradient | undefined {
    return this.#deferred.get(id)
  }
}
