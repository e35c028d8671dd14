/** Keeps the ReLU and max-pool masks that executables have recorded, and refuses the masks of another executable. */
import type { Batch } from '../../core/data.ts'
import { BenchError } from '../../core/errors.ts'
import type { ActivationMasks } from '../../core/executor.ts'

/**
 * Copies of all activation masks of one feed, in the order in which the plan records them.
 *
 * @typeParam M the storage of one copy, such as an array or a GPU buffer
 */
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

/** All sets of activation masks that one executable has recorded. */
export class RecordedMaskSets<M> {
  readonly #recorded = new WeakSet<MaskCopies<M>>()
  readonly #free: (copy: M) => void

  /** @param free frees the memory of one copy */
  constructor(free: (copy: M) => void) {
    this.#free = free
  }

  /** Registers the copies of one feed's masks and returns the handle by which they are fed again. */
  add(samples: number, copies: readonly M[]): ActivationMasks {
    const activationMasks = new MaskCopies(samples, copies, this.#free)
    this.#recorded.add(activationMasks)
    return activationMasks
  }

  /**
   * Returns the copies behind a handle.
   *
   * @throws BenchError `unsupported` for masks of another executable or disposed ones; `bad-input` for another batch
   * size
   */
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
