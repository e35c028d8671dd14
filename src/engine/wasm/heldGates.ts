/**
 * Held gates. The network is planned a second time, in an arena of its own, with ReLUs and max poolings that read their
 * decisions from masks. Each use brings the weights over, and their gradient back.
 */
import { BenchError } from '../../core/errors.ts'
import type { Feed, Gates } from '../../core/executor.ts'
import type { Machine } from './machine.ts'

/** What ReLUs and max poolings saw at one feed, kept on the host. */
class MaskCopies implements Gates {
  readonly samples: number
  masks: readonly Float32Array[]

  constructor(samples: number, masks: readonly Float32Array[]) {
    this.samples = samples
    this.masks = masks
  }

  dispose(): void {
    this.masks = []
  }
}

export class GateHolder {
  readonly #live: Machine
  readonly #held: Machine
  readonly #taken = new WeakSet<MaskCopies>()
  /** Whose masks stand in the arena. */
  #standing: Gates | undefined

  /** @param held the same network, planned with held gates */
  constructor(live: Machine, held: Machine) {
    this.#live = live
    this.#held = held
  }

  take(feed: Feed): Gates {
    this.#copyState(this.#live, this.#held)
    this.#held.takeMasks(feed)
    const { arena, plan } = this.#held
    const masks = plan.masks.map(({ address, perSample }) =>
      arena.floats.slice(address / 4, address / 4 + feed.batch.size * perSample),
    )
    const gates = new MaskCopies(feed.batch.size, masks)
    this.#taken.add(gates)
    this.#standing = gates
    return gates
  }

  /** Hands out the held machine at the live one's weights, with these gates. */
  using<T>(gates: Gates, { batch }: Feed, use: (machine: Machine) => T): T {
    const { samples, masks } = this.#own(gates)
    if (samples !== batch.size) {
      throw new BenchError('bad-input', `gates of ${samples} samples cannot be held for a batch of ${batch.size}`)
    }
    if (this.#standing !== gates) this.#write(masks)
    this.#standing = gates
    this.#copyState(this.#live, this.#held)
    const result = use(this.#held)
    this.#copyStatistics(this.#held, this.#live)
    this.#copy(this.#held, this.#live, this.#live.plan.layout.gradient, this.#live.plan.layout.length)
    return result
  }

  #own(gates: Gates): MaskCopies {
    if (gates instanceof MaskCopies && this.#taken.has(gates) && gates.masks.length > 0) return gates
    const remedy = 'take them from the executable that they are fed to, and dispose of them last'
    throw new BenchError('unsupported', `gates of another executable, or disposed of; ${remedy}`)
  }

  #write(masks: readonly Float32Array[]): void {
    const { arena, plan } = this.#held
    for (const [i, { address }] of plan.masks.entries()) arena.floats.set(masks[i], address / 4)
  }

  #copyState(from: Machine, to: Machine): void {
    this.#copy(from, to, from.plan.layout.weights, from.plan.layout.length)
    this.#copyStatistics(from, to)
  }

  #copyStatistics(from: Machine, to: Machine): void {
    const { statistics, statisticsLength } = from.plan.layout
    if (statisticsLength > 0) this.#copy(from, to, statistics[0], statisticsLength)
  }

  /** Both plans lay out what outlives a step at the same addresses. */
  #copy({ arena: from }: Machine, { arena: to }: Machine, address: number, length: number): void {
    to.floats.set(from.floats.subarray(address / 4, address / 4 + length), address / 4)
  }
}
