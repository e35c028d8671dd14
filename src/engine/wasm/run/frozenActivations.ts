/**
 * Runs a network with frozen activations: ReLUs and max poolings let through the entries of masks that an earlier batch
 * recorded. The network is compiled a second time for this, in a memory of its own. Each use copies the weights into
 * that memory, and the gradient and the running statistics back.
 */
import type { ActivationMasks, Feed } from '../../../core/executor.ts'
import { RecordedMaskSets } from '../../plan/recordedMasks.ts'
import type { Machine } from './machine.ts'

/** Records the ReLU and max-pool masks of a network, and runs batches under recorded masks. */
export class FrozenActivations {
  readonly #live: Machine
  readonly #frozen: Machine
  readonly #recorded = new RecordedMaskSets<Float32Array>(() => {})
  /** Handle of the activation masks that are in the frozen machine's memory now; undefined if there are none yet. */
  #current: ActivationMasks | undefined

  /**
   * Connects two compiled forms of one network.
   *
   * @param live compiled with live activations
   * @param frozen compiled with frozen activations
   */
  constructor(live: Machine, frozen: Machine) {
    this.#live = live
    this.#frozen = frozen
  }

  /** Records the activation masks of a batch at the current weights, and returns a handle to them. */
  record(feed: Feed): ActivationMasks {
    this.#copyState(this.#live, this.#frozen)
    this.#frozen.recordMasks(feed)
    const { arena, plan } = this.#frozen
    const masks = plan.masks.map(({ address, perSample }) =>
      arena.floats.slice(address / 4, address / 4 + feed.batch.size * perSample),
    )
    const activationMasks = this.#recorded.add(feed.batch.size, masks)
    this.#current = activationMasks
    return activationMasks
  }

  /**
   * Calls `use` with the frozen machine, after copying the live machine's weights and the given activation masks into
   * its memory.
   */
  using<T>(activationMasks: ActivationMasks, { batch }: Feed, use: (machine: Machine) => T): T {
    const masks = this.#recorded.copiesOf(activationMasks, batch)
    if (this.#current !== activationMasks) this.#write(masks)
    this.#current = activationMasks
    this.#copyState(this.#live, this.#frozen)
    const result = use(this.#frozen)
    this.#copyStatistics(this.#frozen, this.#live)
    this.#copy(this.#frozen, this.#live, this.#live.plan.layout.gradient, this.#live.plan.layout.length)
    return result
  }

  #write(masks: readonly Float32Array[]): void {
    const { arena, plan } = this.#frozen
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

  /**
   * Copies `length` floats from one machine's memory to the other's. Both keep weights and running statistics at the
   * same addresses.
   */
  #copy({ arena: from }: Machine, { arena: to }: Machine, address: number, length: number): void {
    to.floats.set(from.floats.subarray(address / 4, address / 4 + length), address / 4)
  }
}
