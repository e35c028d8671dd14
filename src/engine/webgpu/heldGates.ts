/**
 * Held gates. The network is planned a second time, over the same weights, with ReLUs and max poolings that read their
 * decisions from masks.
 */
import { BenchError } from '../../core/errors.ts'
import type { Feed, Gates } from '../../core/executor.ts'
import type { Device } from './device.ts'
import type { Machine } from './machine.ts'

/** What ReLUs and max poolings decided by at one feed. */
class MaskCopies implements Gates {
  readonly samples: number
  copies: readonly GPUBuffer[]

  constructor(samples: number, copies: readonly GPUBuffer[]) {
    this.samples = samples
    this.copies = copies
  }

  dispose(): void {
    for (const copy of this.copies) copy.destroy()
    this.copies = []
  }
}

export class GateHolder {
  readonly #device: Device
  readonly #held: Machine
  readonly #taken = new WeakSet<MaskCopies>()
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
    const gates = new MaskCopies(size, copies)
    this.#taken.add(gates)
    this.#standing = gates
    return gates
  }

  /** The held machine, with these gates. */
  machineFor(gates: Gates, { batch }: Feed): Machine {
    const { samples, copies } = this.#own(gates)
    if (samples !== batch.size) {
      throw new BenchError('bad-input', `gates of ${samples} samples cannot be held for a batch of ${batch.size}`)
    }
    if (this.#standing !== gates) {
      this.#device.submit((encoder) => {
        this.#held.plan.masks.forEach(({ buffer, bytesPerSample }, i) => {
          encoder.copyBufferToBuffer(copies[i], 0, buffer, 0, samples * bytesPerSample)
        })
      })
    }
    this.#standing = gates
    return this.#held
  }

  dispose(): void {
    this.#held.plan.program.dispose()
  }

  #own(gates: Gates): MaskCopies {
    if (gates instanceof MaskCopies && this.#taken.has(gates) && gates.copies.length > 0) return gates
    const remedy = 'take them from the executable that they are fed to, and dispose of them last'
    throw new BenchError('unsupported', `gates of another executable, or disposed of; ${remedy}`)
  }
}
