/**
 * Runs a compiled network: writes a batch into WebAssembly memory, executes the kernel calls on one or several threads,
 * and reads the results.
 */
import type { Activations, Feed, GradientResult, Mode, Objective, ObservedActivation } from '../../../core/executor.ts'
import type { Network } from '../../../core/network.ts'
import { coefficientGradient } from '../../graph/terms.ts'
import { classWeightsOf, observedObjective, withAllPaths } from '../../plan/executable.ts'
import { once } from '../../plan/lowering.ts'
import { drawNoises, FeedNumbers, nameOf, type RunKind } from '../../plan/runInputs.ts'
import type { Plan } from '../lower/plan.ts'
import type { Arena } from '../module/module.ts'
import type { Section } from '../plan/program.ts'
import { type BoundCall, bindCalls, follow, singleThread, type ThreadedPlan, type Threads } from '../threads/threads.ts'

/** The mode of a run (training, evaluation or probe), and which gradients it computes. */
export type Wants = Pick<RunKind, 'mode' | 'weights' | 'coefficients'> & {
  /** Whether the result contains the observed activations and their gradients. */
  readonly observed?: boolean
}

/** A compiled network with its WebAssembly memory and threads, ready to run batches. */
export class Machine {
  readonly network: Network
  readonly batchSize: number
  readonly plan: Plan
  readonly arena: Arena
  readonly #threads: ThreadedPlan | undefined
  readonly #feeding: Feeding
  readonly #replay: Replay

  /**
   * Prepares to run a compiled network. @param threads group of as many threads as the network was compiled for;
   * absent: one thread
   */
  constructor(network: Network, batchSize: number, plan: Plan, arena: Arena, threads?: Threads) {
    const { module, memory } = arena
    const flags = new Uint8Array(new SharedArrayBuffer(plan.activity.count))
    this.network = network
    this.batchSize = batchSize
    this.plan = plan
    this.arena = arena
    this.#threads = threads?.announce({ module, memory, flags })
    this.#feeding = new Feeding(plan, arena, new FeedNumbers(plan, network, batchSize, flags))
    this.#replay = new Replay(plan, arena, this.#threads)
    arena.takePart(0, threads?.threads ?? 1)
  }

  /** Tells the other threads to forget this network; its memory may then be used for another one. */
  close(): void {
    this.#threads?.end()
  }

  /**
   * Runs the forward pass, the loss, and the backward pass if gradients are wanted. Returns loss, correct predictions
   * and the gradient of the mixing coefficients; the gradient of the weights stays in WebAssembly memory.
   */
  run(feed: Feed, objective: Objective, wants: Wants): GradientResult {
    const flags = this.#feeding.write(feed)
    const runKind = { ...wants, pathMasked: flags !== undefined, recording: false }
    const { layout } = this.plan
    const { doubles, floats } = this.arena
    doubles.fill(0, layout.tally / 8, layout.tally / 8 + 3)
    const cotangents = objective.kind === 'observed' ? objective.cotangents : undefined
    if (objective.kind === 'cross-entropy') {
      doubles[layout.smoothing / 8] = objective.labelSmoothing ?? 0
      doubles.set(classWeightsOf(objective, this.network), layout.classWeights / 8)
    } else this.#feeding.writeCotangent(objective.kind === 'logits' ? objective.cotangent : this.#noCotangent(feed))
    this.#replay.run('forward', runKind, flags)
    this.#replay.run(objective.kind === 'cross-entropy' ? 'cross-entropy' : 'logits', runKind, flags)
    if (wants.weights || wants.coefficients || wants.observed) {
      floats.fill(0, layout.gradient / 4, layout.gradient / 4 + layout.length)
      this.#writeObservedGradients(feed, cotangents)
      this.#replay.run('backward', runKind, flags)
    }
    const at = layout.tally / 8
    const tally = { loss: doubles[at], correct: doubles[at + 1], correct5: doubles[at + 2], samples: feed.batch.size }
    const values = wants.observed || cotangents ? this.#observed(feed) : undefined
    const result = {
      ...tally,
      ...(cotangents && values && { loss: observedObjective(cotangents, values) }),
      ...(wants.observed && values && { observed: this.#withGradients(feed, values) }),
    }
    if (!wants.coefficients) return result
    const coefficients = feed.coefficients ?? new Float64Array()
    return { ...result, coefficients: this.#feeding.coefficientGradient(coefficients, flags) }
  }

  /**
   * Runs a forward pass. Returns the logits of the main head [batch, classes], and the features and the observed
   * activations [batch, height, width, channels].
   */
  forward(feed: Feed, mode: Mode): Activations {
    const flags = this.#feeding.write(feed)
    const pathMasked = flags !== undefined
    this.#replay.run('forward', { mode, weights: false, coefficients: false, pathMasked, recording: false }, flags)
    const { values, features, heads } = this.network
    const { height, width, channels } = values[features]
    return {
      logits: this.#read(this.plan.logits, feed.batch.size, values[heads[0].logits].channels),
      features: this.#read(this.plan.features, feed.batch.size * height * width, channels),
      observed: this.#observed(feed),
    }
  }

  /**
   * Runs a forward pass, with all paths active, that records the ReLU and max-pool masks of a batch in WebAssembly
   * memory.
   */
  recordMasks(feed: Feed): void {
    const flags = this.#feeding.write(withAllPaths(feed))
    const runKind = {
      mode: 'probe',
      weights: false,
      coefficients: false,
      pathMasked: false,
      recording: true,
    } as const
    this.#replay.run('forward', runKind, flags)
  }

  /** Copies the observed activations of the last run out of WebAssembly memory. */
  #observed(feed: Feed): Float32Array[] {
    return this.#eachObserved(({ address, channels }, rows, dense) =>
      this.#read({ address, channels }, rows * feed.batch.size, dense),
    )
  }

  #withGradients(feed: Feed, values: readonly Float32Array[]): ObservedActivation[] {
    const gradients = this.#eachObserved(({ gradient: address, channels }, rows, dense) =>
      this.#read({ address, channels }, rows * feed.batch.size, dense),
    )
    return values.map((value, i) => ({ value, gradient: gradients[i] }))
  }

  /**
   * Writes the cotangents of the observed activations, or zeros, into the buffers to which the backward pass adds their
   * gradients.
   */
  #writeObservedGradients({ batch }: Feed, cotangents: readonly Float32Array[] | undefined): void {
    const { floats } = this.arena
    this.#eachObserved(({ gradient, channels }, rows, dense, i) => {
      const start = gradient / 4
      floats.fill(0, start, start + batch.size * rows * channels)
      const cotangent = cotangents?.[i]
      if (cotangent === undefined) return
      for (let row = 0; row < batch.size * rows; row++) {
        floats.set(cotangent.subarray(row * dense, (row + 1) * dense), start + row * channels)
      }
    })
  }

  /** Calls `use` for each observed activation, with its number of pixels per sample and of channels without padding. */
  #eachObserved<T>(use: (place: Plan['observed'][number], pixels: number, channels: number, index: number) => T): T[] {
    const { observed = [], values } = this.network
    return observed.map((id, i) => {
      const { height, width, channels } = values[id]
      return use(this.plan.observed[i], height * width, channels, i)
    })
  }

  #noCotangent({ batch }: Feed): Float32Array {
    return new Float32Array(batch.size * this.network.classes)
  }

  /** Copies `rows` pixels, `dense` channels each, out of WebAssembly memory, without their padding channels. */
  #read({ address, channels }: Plan['logits'], rows: number, dense: number): Float32Array {
    const stored = this.arena.floats.subarray(address / 4, address / 4 + rows * channels)
    if (dense === channels) return stored.slice()
    return Float32Array.from({ length: rows * dense }, (_, i) => stored[Math.floor(i / dense) * channels + (i % dense)])
  }
}

/**
 * Writes batches into the memory of a compiled network, and reads the mixing coefficients' gradient from that memory.
 */
export class Feeding {
  readonly #plan: Plan
  readonly #arena: Arena
  readonly #numbers: FeedNumbers

  constructor(plan: Plan, arena: Arena, numbers: FeedNumbers) {
    this.#plan = plan
    this.#arena = arena
    this.#numbers = numbers
  }

  /**
   * Writes a batch, its term weights and its noise into WebAssembly memory. Returns the activity flags; undefined if no
   * path is switched off.
   */
  write(feed: Feed): Uint8Array | undefined {
    const { layout, termTable, noises } = this.#plan
    const { floats, integers } = this.#arena
    const { batch } = feed
    const flags = this.#numbers.take(feed)
    this.#arena.batch = batch.size
    floats.set(batch.images, layout.images / 4)
    integers.set(batch.labels, layout.labels / 4)
    floats.set(this.#numbers.pathScales, layout.pathScales / 4)
    floats.set(this.#numbers.factors, termTable.coefficients / 4)
    integers.set(this.#numbers.enabled, termTable.enabled / 4)
    for (const [address, numbers] of drawNoises(feed, noises, flags)) floats.set(numbers, address / 4)
    return flags
  }

  /** Writes the cotangent of the loss Σ cotangent·logits into WebAssembly memory, [batch, classes]. */
  writeCotangent(cotangent: Float32Array): void {
    this.#arena.floats.set(cotangent, this.#plan.layout.cotangent / 4)
  }

  /** Returns ∂L/∂c for every mixing coefficient c, after a backward pass. */
  coefficientGradient(coefficients: Float64Array, flags: Uint8Array | undefined): Float64Array {
    const { terms, termTable } = this.#plan
    const { doubles } = this.#arena
    return coefficientGradient(terms, coefficients, flags, (term) => doubles[termTable.gradients / 8 + term])
  }
}

/** The kernel calls of one part of the step (such as the forward pass) in one kind of run. */
interface List {
  readonly calls: readonly BoundCall[]
  /** Number by which the main thread tells the others to run this list; absent if only the main thread runs calls. */
  readonly number?: number
}

/**
 * Executes the kernel calls of a compiled network. It makes the list of calls for each part of the step and kind of run
 * once, and keeps it.
 */
export class Replay {
  readonly #plan: Plan
  readonly #arena: Arena
  readonly #threads: ThreadedPlan | undefined
  readonly #lists = new Map<string, List>()

  constructor(plan: Plan, arena: Arena, threads: ThreadedPlan | undefined) {
    this.#plan = plan
    this.#arena = arena
    this.#threads = threads
  }

  /** Executes the kernel calls of one part of the step. @param flags activity flags; undefined: every call runs */
  run(section: Section, runKind: RunKind, flags: Uint8Array | undefined): void {
    const { calls, number } = this.#list(section, runKind)
    if (number === undefined) follow(calls, flags, singleThread)
    else this.#threads?.run(number, calls, this.#arena.batch, flags)
  }

  #list(section: Section, runKind: RunKind): List {
    const key = `${section} ${nameOf(runKind)}`
    return once(this.#lists, key, () => {
      const plain = this.#plan.program.select(section, runKind)
      const calls = bindCalls(this.#arena.kernels, plain)
      const isShared = calls.some((call) => call.isShared)
      return { calls, number: isShared ? this.#threads?.addList(plain) : undefined }
    })
  }
}
