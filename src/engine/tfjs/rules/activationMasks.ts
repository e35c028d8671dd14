/**
 * What all ReLUs pass and all max poolings choose for one feed: written by the first pass that runs with them, read by
 * every later one.
 */
import * as tf from '@tensorflow/tfjs-core'
import { BenchError } from '../../../core/errors.ts'
import type { ActivationMasks } from '../../../core/executor.ts'
import type { OnBackend } from '../backend.ts'

export class RecordedMasks implements ActivationMasks {
  readonly #on: OnBackend
  readonly #activationMasks = new Map<string, tf.Tensor>()

  constructor(on: OnBackend) {
    this.#on = on
  }

  /** Returns the mask of a layer, which `live` computes the first time. */
  hold(name: string, live: () => tf.Tensor): tf.Tensor {
    const held = this.#activationMasks.get(name) ?? tf.keep(live())
    this.#activationMasks.set(name, held)
    return held
  }

  dispose(): void {
    this.#on(() => tf.dispose([...this.#activationMasks.values()]))
    this.#activationMasks.clear()
  }
}

/** @throws BenchError `unsupported` for another executor's activation masks */
export function ownGates(activationMasks: ActivationMasks): RecordedMasks {
  if (activationMasks instanceof RecordedMasks) return activationMasks
  throw new BenchError(
    'unsupported',
    'activationMasks of another executor; take them from the executable that they are fed to',
  )
}
