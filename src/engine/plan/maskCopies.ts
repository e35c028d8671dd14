/** Recorded ReLU and max-pool masks of one batch, with their owner. */
import type { Batch } from '../../core/data.ts'
import { BenchError } from '../../core/errors.ts'
import type { ActivationMasks } from '../../core/executor.ts'

/** One copy a mask, in the plan's order; M is where a copy stands. */
class MaskCopies<M> implements ActivationMasks {
  readonly samples: number
  readonly #free: (copy: M) => void
  copies: readonly M[]

  constructor(samples: number, copies: readonly M[], free: (copy: M) => void) {
    this.samples = samples
    this.copies = copies
    this.#free = free
  }

  dispose(): void {
    for (const copy of this.copies) this.#free(copy)
    this.copies = []
  }
}

/** The activation masks that one executable took: it can hold no others. */
export class RecordedMaskSets<M> {
  readonly #recorded = new WeakSet<MaskCopies<M>>()
  readonly #free: (copy: M) => void

  /** @param free gives a copy's memory back */
  constructor(free: (copy: M) => void) {
    this.#free = free
  }

  add(samples: number, copies: readonly M[]): ActivationMasks {
    const activationMasks = new MaskCopies(samples, copies, this.#free)
    this.#recorded.add(activationMasks)
    return activationMasks
  }

  /** @throws BenchError `unsupported` for activation masks of others or without copies; `bad-input` for a batch of another size */
  copiesOf(activationMasks: ActivationMasks, { size }: Pick<Batch, 'size'>): readonly M[] {
    if (
      !(activationMasks instanceof MaskCopies) ||
      !this.#recorded.has(activationMasks) ||
      activationMasks.copies.length === 0
    ) {
      const remedy = 'take them from the executable that they are fed to, and dispose of them last'
      throw new BenchError('unsupported', `activation masks of another executable, or disposed of; ${remedy}`)
    }
    if (activationMasks.samples !== size) {
      throw new BenchError(
        'bad-input',
        `activation masks of ${activationMasks.samples} samples do not fit a batch of ${size}`,
      )
    }
    return activationMasks.copies
  }
}
