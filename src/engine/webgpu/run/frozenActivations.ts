/**
 * Runs a network with frozen activations: its ReLUs and max poolings follow recorded masks instead of their inputs. For
 * this purpose the network is compiled a second time, with the same weights; this class records masks and copies them
 * into the buffers of that second plan.
 */
import type { ActivationMasks, Feed } from '../../../core/executor.ts'
import { RecordedMaskSets } from '../../plan/recordedMasks.ts'
import type { Device } from '../device/device.ts'
import type { Machine } from './machine.ts'

/** The machine that runs a network with frozen activations, and the activation masks that were recorded with it. */
export class FrozenActivations {
  readonly #device: Device
  readonly #frozen: Machine
  readonly #recorded = new RecordedMaskSets<GPUBuffer>((copy) => copy.destroy())
  /** The activation masks that the buffers of the frozen plan now contain. */
  #current: ActivationMasks | undefined

  /** Starts without recorded activation masks. @param frozen runs the same network, compiled with frozen activations */
  constructor(device: Device, frozen: Machine) {
    this.#device = device
    this.#frozen = frozen
  }

  /** Runs a batch with the current weights and returns the activation masks of all ReLUs and max poolings. */
  record(feed: Feed): ActivationMasks {
    const { size } = feed.batch
    this.#frozen.recordMasks(feed)
    const { masks } = this.#frozen.plan
    const copies = masks.map(({ bytesPerSample }) => this.#device.buffer(size * bytesPerSample, 'an activation mask'))
    this.#device.submit((encoder) => {
      masks.forEach(({ buffer }, i) => {
        encoder.copyBufferToBuffer(buffer, 0, copies[i], 0, size * masks[i].bytesPerSample)
      })
    })
    const activationMasks = this.#recorded.add(size, copies)
    this.#current = activationMasks
    return activationMasks
  }

  /** Copies the given activation masks into the buffers of the frozen plan and returns the machine that runs it. */
  machineFor(activationMasks: ActivationMasks, { batch }: Feed): Machine {
    const copies = this.#recorded.copiesOf(activationMasks, batch)
    if (this.#current !== activationMasks) {
      this.#device.submit((encoder) => {
        this.#frozen.plan.masks.forEach(({ buffer, bytesPerSample }, i) => {
          encoder.copyBufferToBuffer(copies[i], 0, buffer, 0, batch.size * bytesPerSample)
        })
      })
    }
    this.#current = activationMasks
    return this.#frozen
  }

  dispose(): void {
    this.#frozen.plan.program.dispose()
  }
}
