/** The gates of all ReLUs for one feed: written by the first pass that runs with them, read by every later one. */
import * as tf from '@tensorflow/tfjs-core'
import { BenchError } from '../../core/errors.ts'
import type { Gates } from '../../core/executor.ts'
import type { ValueId } from '../../core/network.ts'
import type { OnBackend } from './backend.ts'

export class ReluGates implements Gates {
  readonly #on: OnBackend
  readonly #gates = new Map<ValueId, tf.Tensor>()

  constructor(on: OnBackend) {
    this.#on = on
  }

  /** 1 where the ReLU that makes this value passes, else 0. @param live the gate of the moment, for the first time */
  gate(id: ValueId, live: () => tf.Tensor): tf.Tensor {
    const gate = this.#gates.get(id) ?? tf.keep(live())
    this.#gates.set(id, gate)
    return gate
  }

  dispose(): void {
    this.#on(() => tf.dispose([...this.#gates.values()]))
    this.#gates.clear()
  }
}

/** @throws BenchError `unsupported` for another executor's gates */
export function ownGates(gates: Gates): ReluGates {
  if (gates instanceof ReluGates) return gates
  throw new BenchError('unsupported', 'gates of another executor; take them from the executable that they are fed to')
}
