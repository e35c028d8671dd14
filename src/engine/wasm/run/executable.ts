/**
 * A network compiled for WebAssembly: it holds weights, momentum and running statistics, and runs forward passes,
 * gradients and SGD steps on them.
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
import { checkFeed, checkState, initialStatistics, TallySum } from '../../plan/executable.ts'
import { FrozenActivations } from './frozenActivations.ts'
import type { Machine, Wants } from './machine.ts'
import { ArenaVector, VectorHeap } from './vectors.ts'

/**
 * Added to the gradient norm so that gradient clipping never divides by zero; PyTorch's `clip_grad_norm_` uses the same
 * value.
 */
const CLIP_EPSILON = 1e-6

/** A network compiled by the static executor on WebAssembly, ready to train and evaluate. */
export class StaticExecutable implements Executable {
  readonly network: Network
  readonly weights: ArenaVector
  readonly momentum: ArenaVector
  readonly #gradient: ArenaVector
  readonly #live: Machine
  readonly #openFrozen: () => Machine
  #frozenActivations: FrozenActivations | undefined
  readonly #heap: VectorHeap
  readonly #release: () => void
  readonly #steps = new TallySum()

  /**
   * Prepares weights, momentum and running statistics in the memory of `live`.
   *
   * @param openFrozen compiles the same network with frozen activations; called when masks are first recorded or fed
   * @param release called on dispose
   */
  constructor(live: Machine, openFrozen: () => Machine, release: () => void) {
    const { arena, plan, network } = live
    const { layout } = plan
    this.network = network
    this.weights = new ArenaVector(arena, layout.weights, layout.length)
    this.momentum = new ArenaVector(arena, layout.momentum, layout.length)
    this.#gradient = new ArenaVector(arena, layout.gradient, layout.length)
    this.#live = live
    this.#openFrozen = openFrozen
    this.#heap = new VectorHeap(arena, plan.bytes, layout.length, network.name)
    this.#release = release
    arena.floats.set(initialStatistics(network), this.#statisticsStart)
  }

  vector(): WeightVector {
    return this.#heap.allocate()
  }

  async gradient(feed: Feed, objective: Objective, want: GradientRequest, mode: Mode): Promise<GradientResult> {
    const wants = {
      mode,
      weights: want.weights !== undefined,
      coefficients: want.coefficients === true,
      observed: want.observed === true,
    }
    const result = this.#run(feed, objective, wants)
    want.weights?.assign(this.#gradient)
    return result
  }

  async step(feed: Feed, objective: Objective, sgd: SgdStep): Promise<void> {
    this.#steps.add(this.#run(feed, objective, { mode: 'train', weights: true, coefficients: false }))
    this.#descend(sgd)
  }

  async takeTally(): Promise<Tally> {
    return this.#steps.take()
  }

  async evaluate(feeds: Iterable<Feed> | AsyncIterable<Feed>, mode: Mode): Promise<Tally> {
    const sum = new TallySum()
    const wants = { mode, weights: false, coefficients: false }
    for await (const feed of feeds) sum.add(this.#run(feed, { kind: 'cross-entropy' }, wants))
    return sum.take()
  }

  async forward(feed: Feed, mode: Mode): Promise<Activations> {
    this.#check(feed)
    return this.#on(feed, (machine) => machine.forward(feed, mode))
  }

  activationMasks(feed: Feed): ActivationMasks {
    this.#check(feed)
    this.#frozenActivations ??= new FrozenActivations(this.#live, this.#openFrozen())
    return this.#frozenActivations.record(feed)
  }

  async save(): Promise<ExecutableState> {
    const start = this.#statisticsStart
    return {
      weights: this.weights.copy(),
      momentum: this.momentum.copy(),
      statistics: this.#live.arena.floats.slice(start, start + this.#live.plan.layout.statisticsLength),
    }
  }

  restore(state: ExecutableState): void {
    checkState(this.network, state)
    this.weights.write(state.weights)
    this.momentum.write(state.momentum)
    this.#live.arena.floats.set(state.statistics, this.#statisticsStart)
  }

  dispose(): void {
    this.#release()
  }

  #run(feed: Feed, objective: Objective, wants: Wants): GradientResult {
    this.#check(feed, objective)
    return this.#on(feed, (machine) => machine.run(feed, objective, wants))
  }

  #check(feed: Feed, objective?: Objective): void {
    checkFeed(this.network, this.#live.batchSize, feed, objective)
  }

  /**
   * Calls `use` with the machine that runs a feed: the one with frozen activations if the feed has activation masks,
   * else the live one.
   */
  #on<T>(feed: Feed, use: (machine: Machine) => T): T {
    if (feed.activationMasks === undefined) return use(this.#live)
    this.#frozenActivations ??= new FrozenActivations(this.#live, this.#openFrozen())
    return this.#frozenActivations.using(feed.activationMasks, feed, use)
  }

  #descend({ learningRate, momentum, nesterov, weightDecay, clipNorm }: SgdStep): void {
    const { weights, gradient, momentum: buffer, length } = this.#live.plan.layout
    const { kernels } = this.#live.arena
    let clip = 1
    if (clipNorm !== null) {
      const norm = Math.sqrt(kernels.dot(gradient, gradient, length))
      clip = Math.min(1, clipNorm / (norm + CLIP_EPSILON))
    }
    kernels.sgd(weights, gradient, buffer, length, learningRate, momentum, Number(nesterov), weightDecay, clip)
  }

  get #statisticsStart(): number {
    return (this.#live.plan.layout.statistics[0] ?? 0) / 4
  }
}
