/**
 * Held gates. The network is planned a second time, in an arena of its own, with ReLUs and max poolings that read their
 * decisions from masks. Each use brings the weights over, and their gradient back.
 */
import type { Feed, Gates } from '../../../core/executor.ts'
import { TakenGates } from '../../plan/maskCopies.ts'
import type { Machine } from './machine.ts'

export class GateHolder {
  readonly #live: Machine
  readonly #held: Machine
  readonly #taken = new TakenGates<Float32Array>(() => {})
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
    const gates = this.#taken.add(feed.batch.size, masks)
    this.#standing = gates
    return gates
  }

  /** Hands out the held machine at the live one's weights, with these gates. */
  using<T>(gates: Gates, { batch }: Feed, use: (machine: Machine) => T): T {
    const masks = this.#taken.copiesOf(gates, batch)
    if (this.#standing !== gates) this.#write(masks)
    this.#standing = gates
    this.#copyState(this.#live, this.#held)
    const result = use(this.#held)
    this.#copyStatistics(this.#held, this.#live)
    this.#copy(this.#held, this.#live, this.#live.plan.layout.gradient, this.#live.plan.layout.length)
    return result
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
