/** A compiled network: every call writes the feed, replays kernels, and reads a few numbers. */
import { BenchError } from '../../core/errors.ts'
import type {
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
} from '../../core/executor.ts'
import type { Network } from '../../core/network.ts'
import { Feeding } from './feeding.ts'
import type { Arena } from './module.ts'
import type { Plan } from './plan.ts'
import type { Situation } from './program.ts'
import { Replay } from './replay.ts'
import { TallySum } from './tally.ts'
import { ArenaVector, VectorHeap } from './vectors.ts'

/** What a run is for; the feed says whether it is gated. */
type Wants = Omit<Situation, 'gated'>

/** PyTorch's `clip_grad_norm_`. */
const CLIP_EPSILON = 1e-6

export class StaticExecutable implements Executable {
  readonly network: Network
  readonly weights: ArenaVector
  readonly momentum: ArenaVector
  readonly #gradient: ArenaVector
  readonly #plan: Plan
  readonly #arena: Arena
  readonly #feeding: Feeding
  readonly #replay: Replay
  readonly #heap: VectorHeap
  readonly #release: () => void
  readonly #steps = new TallySum()

  /** @param release called once, on dispose */
  constructor(network: Network, batchSize: number, plan: Plan, arena: Arena, release: () => void) {
    const { layout } = plan
    this.network = network
    this.weights = new ArenaVector(arena, layout.weights, layout.length)
    this.momentum = new ArenaVector(arena, layout.momentum, layout.length)
    this.#gradient = new ArenaVector(arena, layout.gradient, layout.length)
    this.#plan = plan
    this.#arena = arena
    this.#feeding = new Feeding(plan, arena, network, batchSize)
    this.#replay = new Replay(plan, arena)
    this.#heap = new VectorHeap(arena, plan.bytes, layout.length, network.name)
    this.#release = release
    this.#resetStatistics()
  }

  vector(): WeightVector {
    return this.#heap.allocate()
  }

  async gradient(feed: Feed, objective: Objective, want: GradientRequest, mode: Mode): Promise<GradientResult> {
    const wants = { weights: want.weights !== undefined, coefficients: want.coefficients === true }
    const flags = this.#feeding.write(feed)
    const tally = this.#run(feed, objective, { mode, ...wants }, flags)
    want.weights?.assign(this.#gradient)
    if (!wants.coefficients) return tally
    const coefficients = feed.coefficients ?? new Float64Array()
    return { ...tally, coefficients: this.#feeding.coefficientGradient(coefficients, flags) }
  }

  async step(feed: Feed, objective: Objective, sgd: SgdStep): Promise<void> {
    const flags = this.#feeding.write(feed)
    this.#steps.add(this.#run(feed, objective, { mode: 'train', weights: true, coefficients: false }, flags))
    this.#descend(sgd)
  }

  async takeTally(): Promise<Tally> {
    return this.#steps.take()
  }

  async evaluate(feeds: Iterable<Feed> | AsyncIterable<Feed>, mode: Mode): Promise<Tally> {
    const sum = new TallySum()
    for await (const feed of feeds) {
      const flags = this.#feeding.write(feed)
      sum.add(this.#run(feed, { kind: 'cross-entropy' }, { mode, weights: false, coefficients: false }, flags))
    }
    return sum.take()
  }

  async forward(feed: Feed, mode: Mode): Promise<{ readonly logits: Float32Array; readonly features: Float32Array }> {
    const flags = this.#feeding.write(feed)
    const gated = flags !== undefined
    this.#replay.run('forward', { mode, weights: false, coefficients: false, gated }, flags)
    const { values, features, heads } = this.network
    const { height, width, channels } = values[features]
    return {
      logits: this.#read(this.#plan.logits, feed.batch.size, values[heads[0].logits].channels),
      features: this.#read(this.#plan.features, feed.batch.size * height * width, channels),
    }
  }

  async save(): Promise<ExecutableState> {
    const start = this.#statisticsStart
    return {
      weights: this.weights.copy(),
      momentum: this.momentum.copy(),
      statistics: this.#arena.floats.slice(start, start + this.#plan.layout.statisticsLength),
    }
  }

  restore({ weights, momentum, statistics }: ExecutableState): void {
    const expected = this.#plan.layout.statisticsLength
    if (statistics.length !== expected) {
      throw new BenchError('bad-input', `state has ${statistics.length} running statistics; expected ${expected}`)
    }
    this.weights.write(weights)
    this.momentum.write(momentum)
    this.#arena.floats.set(statistics, this.#statisticsStart)
  }

  dispose(): void {
    this.#release()
  }

  /** Forward, loss, and back as far as the situation wants gradients. */
  #run(feed: Feed, objective: Objective, wants: Wants, flags: Uint8Array | undefined): Tally {
    const situation = { ...wants, gated: flags !== undefined }
    const { layout } = this.#plan
    const { doubles, floats } = this.#arena
    doubles.fill(0, layout.tally / 8, layout.tally / 8 + 3)
    if (objective.kind === 'logits') this.#feeding.writeCotangent(objective.cotangent, feed.batch.size)
    else doubles[layout.smoothing / 8] = objective.labelSmoothing ?? 0
    this.#replay.run('forward', situation, flags)
    this.#replay.run(objective.kind, situation, flags)
    if (situation.weights || situation.coefficients) {
      floats.fill(0, layout.gradient / 4, layout.gradient / 4 + layout.length)
      this.#replay.run('backward', situation, flags)
    }
    const at = layout.tally / 8
    return { loss: doubles[at], correct: doubles[at + 1], correct5: doubles[at + 2], samples: feed.batch.size }
  }

  #descend({ learningRate, momentum, nesterov, weightDecay, clipNorm }: SgdStep): void {
    const { weights, gradient, momentum: buffer, length } = this.#plan.layout
    const { kernels } = this.#arena
    let clip = 1
    if (clipNorm !== null) {
      const norm = Math.sqrt(kernels.dot(gradient, gradient, length))
      clip = Math.min(1, clipNorm / (norm + CLIP_EPSILON))
    }
    kernels.sgd(weights, gradient, buffer, length, learningRate, momentum, Number(nesterov), weightDecay, clip)
  }

  /** Rows of the buffer without the channels that only fill it up. */
  #read({ address, channels }: Plan['logits'], rows: number, dense: number): Float32Array {
    const stored = this.#arena.floats.subarray(address / 4, address / 4 + rows * channels)
    if (dense === channels) return stored.slice()
    return Float32Array.from({ length: rows * dense }, (_, i) => stored[Math.floor(i / dense) * channels + (i % dense)])
  }

  get #statisticsStart(): number {
    return (this.#plan.layout.statistics[0] ?? 0) / 4
  }

  /** Means 0, variances 1. */
  #resetStatistics(): void {
    const { floats } = this.#arena
    this.network.statistics.forEach((channels, index) => {
      const start = this.#plan.layout.statistics[index] / 4
      floats.fill(0, start, start + channels)
      floats.fill(1, start + channels, start + 2 * channels)
    })
  }
}
