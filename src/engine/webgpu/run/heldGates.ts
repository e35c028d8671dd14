/**
 * Held gates. The network is planned a second time, over the same weights, with ReLUs and max poolings that read their
 * decisions from masks.
 */
import type { Feed, Gates } from '../../../core/executor.ts'
import { TakenGates } from '../../plan/maskCopies.ts'
import type { Device } from '../device/device.ts'
import type { Machine } from './machine.ts'

export class GateHolder {
  readonly #device: Device
  readonly #held: Machine
  readonly #taken = new TakenGates<GPUBuffer>((copy) => copy.destroy())
  /** Whose masks stand in the plan. */
  #standing: Gates | undefined

  /** @param held the network, planned with held gates */
  constructor(device: Device, held: Machine) {
    this.#device = device
    this.#held = held
  }

  take(feed: Feed): Gates {
    const { size } = feed.batch
    this.#held.takeMasks(feed)
    const { masks } = this.#held.plan
    const copies = masks.map(({ bytesPerSample }) =>
      this.#device.buffer(size * bytesPerSample, 'what a gate decides by'),
    )
    this.#device.submit((encoder) => {
      masks.forEach(({ buffer }, i) => {
        encoder.copyBufferToBuffer(buffer, 0, copies[i], 0, size * masks[i].bytesPerSample)
      })
    })
    const gates = this.#taken.add(size, copies)
    this.#standing = gates
    return gates
  }

  /** The held machine, with these gates. */
  machineFor(gates: Gates, { batch }: Feed): Machine {
    const copies = this.#taken.copiesOf(gates, batch)
    if (this.#standing !== gates) {
      this.#device.submit((encoder) => {
        this.#held.plan.masks.forEach(({ buffer, bytesPerSample }, i) => {
          encoder.copyBufferToBuffer(copies[i], 0, buffer, 0, batch.size * bytesPerSample)
        })
      })
    }
    this.#standing = gates
    return this.#held
  }

  dispose(): void {
    this.#held.plan.program.dispose()
  }
}
