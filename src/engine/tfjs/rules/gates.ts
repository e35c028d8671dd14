/**
 * What all ReLUs pass and all max poolings choose for one feed: written by the first pass that runs with them, read by
 * every later one.
 */
import * as tf from '@tensorflow/tfjs-core'
import { BenchError } from '../../../core/errors.ts'
import type { Gates } from '../../../core/executor.ts'
import type { OnBackend } from '../backend.ts'

export class HeldGates implements Gates {
  readonly #on: OnBackend
  readonly #gates = new Map<string, tf.Tensor>()

  constructor(on: OnBackend) {
    this.#on = on
  }

  /** The tensor held under a name; @param live makes it, the first time */
  hold(name: string, live: () => tf.Tensor): tf.Tensor {
    const held = this.#gates.get(name) ?? tf.keep(live())
    this.#gates.set(name, held)
    return held
  }

  dispose(): void {
    this.#on(() => tf.dispose([...this.#gates.values()]))
    this.#gates.clear()
  }
}

/** @throws BenchError `unsupported` for another executor's gates */
export function ownGates(gates: Gates): HeldGates {
  if (gates instanceof HeldGates) return gates
  throw new BenchError('unsupported', 'gates of another executor; take them from the executable that they are fed to')
}
