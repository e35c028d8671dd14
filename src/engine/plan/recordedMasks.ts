/**
 * Keeps the ReLU and max-pool masks that compiled networks have recorded, and refuses masks that another network has
 * recorded.
 */
import type { Batch } from '../../core/data.ts'
import { BenchError } from '../../core/errors.ts'
import type { ActivationMasks } from '../../core/executor.ts'
import { pluralize } from '../../core/plainText.ts'

/**
 * Copies of all activation masks of one batch, in the order in which the compiled network records them.
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

/** All activation masks that one compiled network has recorded: one set for each recorded batch. */
export class RecordedMaskSets<M> {
  readonly #recorded = new WeakSet<MaskCopies<M>>()
  readonly #free: (copy: M) => void

  /** @param free frees the memory of one mask's copy */
  constructor(free: (copy: M) => void) {
    this.#free = free
  }

  /** Stores the copies of one batch's masks, and returns the handle by which a feed names them. */
  add(samples: number, copies: readonly M[]): ActivationMasks {
    const activationMasks = new MaskCopies(samples, copies, this.#free)
    this.#recorded.add(activationMasks)
    return activationMasks
  }

  /**
   * Returns the copies of the masks that a handle stands for.
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
        `activation masks of ${pluralize(activationMasks.samples, 'sample')} do not fit a batch of ${size}`,
      )
    }
    return activationMasks.copies
  }
}
