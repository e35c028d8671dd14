/**
 * A compiled network on the GPU: holds the network's weights and running statistics, and computes training steps,
 * evaluations and gradients with them.
 */
import type {
  ActivationMasks,
  Activations,
  Executable,
  ExecutableState,
  Feed,
  GradientRequest,
  GradientResult,
  Mode,
  Objective,
  SgdStep,
  Tally,
  WeightVector,
} from '../../../core/executor.ts'
import type { Network } from '../../../core/network.ts'
import { checkFeed, checkState, initialStatistics } from '../../plan/executable.ts'
import type { Device } from '../device/device.ts'
import { Readback } from '../device/transfers.ts'
import type { Plan } from '../lower/index.ts'
import { disposeState, RING, type State } from '../plan/layout.ts'
import { FrozenActivations } from './frozenActivations.ts'
import { Machine } from './machine.ts'
import { TallyRing } from './tallyRing.ts'
import { DeviceVector, VectorSpace } from './vectors.ts'

/** What an executable is made of: the GPU device, the network, its state on the GPU, and its compiled plan. */
export interface Parts {
  readonly device: Device
  readonly network: Network
  readonly batchSize: number
  readonly state: State
  readonly plan: Plan
  /** Compiles the same network with frozen activations; called when a step first uses activation masks. */
  readonly planFrozen: () => Plan
}

/** One compiled network on the GPU, with the methods of the interface `Executable`. */
export class WebgpuExecutable implements Executable {
  readonly network: Network
  readonly weights: DeviceVector
  readonly momentum: DeviceVector
  readonly #parts: Parts
  readonly #gradient: DeviceVector
  readonly #readback: Readback
  readonly #space: VectorSpace
  readonly #live: Machine
  readonly #steps: TallyRing
  #frozen: FrozenActivations | undefined

  constructor(parts: Parts) {
    const { device, network, state, plan } = parts
    this.#parts = parts
    this.network = network
    this.#readback = new Readback(device)
    this.#space = new VectorSpace(device, this.#readback, state.length)
    this.weights = new DeviceVector(this.#space, state.weights)
    this.momentum = new DeviceVector(this.#space, state.momentum)
    this.#gradient = new DeviceVector(this.#space, state.gradient)
    this.#live = this.#machine(plan)
    this.#steps = this.#ring(0)
    device.write(state.statistics, initialStatistics(network))
  }

  vector(): WeightVector {
    return this.#space.vector()
  }

  async gradient(feed: Feed, objective: Objective, want: GradientRequest, mode: Mode): Promise<GradientResult> {
    const wants = {
      mode,
      weights: want.weights !== undefined,
      coefficients: want.coefficients === true,
      observed: want.observed === true,
    }
    const result = await this.#machineFor(feed, objective).gradient(feed, objective, wants)
    want.weights?.assign(this.#gradient)
    return result
  }

  async step(feed: Feed, objective: Objective, sgd: SgdStep): Promise<void> {
    const machine = this.#machineFor(feed, objective)
    const tally = await this.#steps.next()
    await machine.run(feed, objective, { mode: 'train', weights: true, coefficients: false, tally, sgd })
  }

  takeTally(): Promise<Tally> {
    return this.#steps.take()
  }

  async evaluate(feeds: Iterable<Feed> | AsyncIterable<Feed>, mode: Mode): Promise<Tally> {
    const tallies = this.#ring(RING)
    for await (const feed of feeds) {
      const machine = this.#machineFor(feed)
      const wants = { mode, weights: false, coefficients: false, tally: await tallies.next() }
      await machine.run(feed, { kind: 'cross-entropy' }, wants)
    }
    return tallies.take()
  }

  async forward(feed: Feed, mode: Mode): Promise<Activations> {
    return this.#machineFor(feed).forward(feed, mode)
  }

  activationMasks(feed: Feed): ActivationMasks {
    this.#check(feed)
    return this.#frozenActivations().record(feed)
  }

  async save(): Promise<ExecutableState> {
    const { statistics, statisticsLength } = this.#parts.state
    const [weights, momentum, running] = await Promise.all([
      this.weights.read(),
      this.momentum.read(),
      this.#readback.fetch(statistics, 4 * statisticsLength),
    ])
    return { weights, momentum, statistics: running }
  }

  restore(state: ExecutableState): void {
    checkState(this.network, state)
    this.weights.write(state.weights)
    this.momentum.write(state.momentum)
    this.#parts.device.write(this.#parts.state.statistics, state.statistics)
  }

  dispose(): void {
    this.#parts.plan.program.dispose()
    this.#frozen?.dispose()
    this.#space.dispose()
    this.#readback.dispose()
    disposeState(this.#parts.state)
  }

  /**
   * Checks the inputs of a step and returns the machine that runs it: the one with frozen activations if the feed has
   * activation masks, else the ordinary machine.
   */
  #machineFor(feed: Feed, objective?: Objective): Machine {
    this.#check(feed, objective)
    return feed.activationMasks === undefined
      ? this.#live
      : this.#frozenActivations().machineFor(feed.activationMasks, feed)
  }

  #check(feed: Feed, objective?: Objective): void {
    checkFeed(this.network, this.#parts.batchSize, feed, objective)
  }

  #frozenActivations(): FrozenActivations {
    this.#frozen ??= new FrozenActivations(this.#parts.device, this.#machine(this.#parts.planFrozen()))
    return this.#frozen
  }

  /**
   * Returns a ring of tallies (loss and counts of a batch).
   *
   * @param first index of the ring's first tally in the results buffer
   */
  #ring(first: number): TallyRing {
    const { device, plan } = this.#parts
    return new TallyRing(device, this.#readback, plan.feeds.results, first, RING)
  }

  #machine(plan: Plan): Machine {
    const { device, network, batchSize } = this.#parts
    return new Machine(device, this.#readback, network, batchSize, plan)
  }
}
