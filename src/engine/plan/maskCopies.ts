/** Copies of what a static plan's gates decided by at one feed, and whose they are. */
import type { Batch } from '../../core/data.ts'
import { BenchError } from '../../core/errors.ts'
import type { Gates } from '../../core/executor.ts'

/** One copy a mask, in the plan's order; M is where a copy stands. */
class MaskCopies<M> implements Gates {
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

/** The gates that one executable took: it can hold no others. */
export class TakenGates<M> {
  readonly #taken = new WeakSet<MaskCopies<M>>()
  readonly #free: (copy: M) => void

  /** @param free gives a copy's memory back */
  constructor(free: (copy: M) => void) {
    this.#free = free
  }

  add(samples: number, copies: readonly M[]): Gates {
    const gates = new MaskCopies(samples, copies, this.#free)
    this.#taken.add(gates)
    return gates
  }

  /** @throws BenchError `unsupported` for gates of others or without copies; `bad-input` for a batch of another size */
  copiesOf(gates: Gates, { size }: Pick<Batch, 'size'>): readonly M[] {
    if (!(gates instanceof MaskCopies) || !this.#taken.has(gates) || gates.copies.length === 0) {
      const remedy = 'take them from the executable that they are fed to, and dispose of them last'
      throw new BenchError('unsupported', `gates of another executable, or disposed of; ${remedy}`)
    }
    if (gates.samples !== size) {
      throw new BenchError('bad-input', `gates of ${gates.samples} samples cannot be held for a batch of ${size}`)
    }
    return gates.copies
  }
}
