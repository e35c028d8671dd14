/** A compiled network: its weights and statistics, and the steps on them. */
import { BenchError } from '../../../core/errors.ts'
import type {
  Executable,
  ExecutableState,
  Feed,
  Gates,
  GradientRequest,
  GradientResult,
  Mode,
  Objective,
  SgdStep,
  Tally,
  WeightVector,
} from '../../../core/executor.ts'
import type { Network } from '../../../core/network.ts'
import { TallySum } from '../../plan/tally.ts'
import { GateHolder } from './heldGates.ts'
import type { Machine } from './machine.ts'
import { ArenaVector, VectorHeap } from './vectors.ts'

/** PyTorch's `clip_grad_norm_`. */
const CLIP_EPSILON = 1e-6

export class StaticExecutable implements Executable {
  readonly network: Network
  readonly weights: ArenaVector
  readonly momentum: ArenaVector
  readonly #gradient: ArenaVector
  readonly #live: Machine
  readonly #openHeld: () => Machine
  #holder: GateHolder | undefined
  readonly #heap: VectorHeap
  readonly #release: () => void
  readonly #steps = new TallySum()

  /**
   * @param openHeld makes a machine of the same network with held gates, at the first need
   * @param release called on dispose
   */
  constructor(live: Machine, openHeld: () => Machine, release: () => void) {
    const { arena, plan, network } = live
    const { layout } = plan
    this.network = network
    this.weights = new ArenaVector(arena, layout.weights, layout.length)
    this.momentum = new ArenaVector(arena, layout.momentum, layout.length)
    this.#gradient = new ArenaVector(arena, layout.gradient, layout.length)
    this.#live = live
    this.#openHeld = openHeld
    this.#heap = new VectorHeap(arena, plan.bytes, layout.length, network.name)
    this.#release = release
    this.#resetStatistics()
  }

  vector(): WeightVector {
    return this.#heap.allocate()
  }

  async gradient(feed: Feed, objective: Objective, want: GradientRequest, mode: Mode): Promise<GradientResult> {
    const wants = { mode, weights: want.weights !== undefined, coefficients: want.coefficients === true }
    const result = this.#on(feed, (machine) => machine.run(feed, objective, wants))
    want.weights?.assign(this.#gradient)
    return result
  }

  async step(feed: Feed, objective: Objective, sgd: SgdStep): Promise<void> {
    const wants = { mode: 'train', weights: true, coefficients: false } as const
    this.#steps.add(this.#on(feed, (machine) => machine.run(feed, objective, wants)))
    this.#descend(sgd)
  }

  async takeTally(): Promise<Tally> {
    return this.#steps.take()
  }

  async evaluate(feeds: Iterable<Feed> | AsyncIterable<Feed>, mode: Mode): Promise<Tally> {
    const sum = new TallySum()
    for await (const feed of feeds) {
      const wants = { mode, weights: false, coefficients: false }
      sum.add(this.#on(feed, (machine) => machine.run(feed, { kind: 'cross-entropy' }, wants)))
    }
    return sum.take()
  }

  async forward(feed: Feed, mode: Mode): Promise<{ readonly logits: Float32Array; readonly features: Float32Array }> {
    return this.#on(feed, (machine) => machine.forward(feed, mode))
  }

  gates(feed: Feed): Gates {
    this.#holder ??= new GateHolder(this.#live, this.#openHeld())
    return this.#holder.take(feed)
  }

  async save(): Promise<ExecutableState> {
    const start = this.#statisticsStart
    return {
      weights: this.weights.copy(),
      momentum: this.momentum.copy(),
      statistics: this.#live.arena.floats.slice(start, start + this.#live.plan.layout.statisticsLength),
    }
  }

  restore({ weights, momentum, statistics }: ExecutableState): void {
    const expected = this.#live.plan.layout.statisticsLength
    if (statistics.length !== expected) {
      throw new BenchError('bad-input', `state has ${statistics.length} running statistics; expected ${expected}`)
    }
    this.weights.write(weights)
    this.momentum.write(momentum)
    this.#live.arena.floats.set(statistics, this.#statisticsStart)
  }

  dispose(): void {
    this.#release()
  }

  /** The machine for a feed: the live one, or that which holds the feed's gates. */
  #on<T>(feed: Feed, use: (machine: Machine) => T): T {
    if (feed.gates === undefined) return use(this.#live)
    this.#holder ??= new GateHolder(this.#live, this.#openHeld())
    return this.#holder.using(feed.gates, feed, use)
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

  /** Means 0, variances 1. */
  #resetStatistics(): void {
    const { floats } = this.#live.arena
    this.network.statistics.forEach((channels, index) => {
      const start = this.#live.plan.layout.statistics[index] / 4
      floats.fill(0, start, start + channels)
      floats.fill(1, start + channels, start + 2 * channels)
    })
  }
}
