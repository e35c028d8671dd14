/**
 * Runs a network with frozen activations. The network is planned a second time over the same weights, with ReLUs and
 * max poolings that decide by recorded masks; this class records masks and copies them into the buffers of that plan.
 */
import type { ActivationMasks, Feed } from '../../../core/executor.ts'
import { RecordedMaskSets } from '../../plan/recordedMasks.ts'
import type { Device } from '../device/device.ts'
import type { Machine } from './machine.ts'

/** The frozen plan of one executable, with the masks that were recorded by it. */
export class FrozenActivations {
  readonly #device: Device
  readonly #frozen: Machine
  readonly #recorded = new RecordedMaskSets<GPUBuffer>((copy) => copy.destroy())
  /** The masks that are in the buffers of the plan now. */
  #current: ActivationMasks | undefined

  /** Starts without recorded masks. @param frozen the same network, planned with frozen activations */
  constructor(device: Device, frozen: Machine) {
    this.#device = device
    this.#frozen = frozen
  }

  /** Records the masks of a feed at the current weights and returns them. */
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

  /** Returns the frozen machine after copying the given masks into its plan. */
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
