/**
 * Runs a compiled network: each call writes the inputs to the GPU and submits all dispatches of a step as one command
 * buffer.
 */
import type { Feed, GradientResult, Mode, Objective, SgdStep } from '../../../core/executor.ts'
import type { Network } from '../../../core/network.ts'
import { coefficientGradient } from '../../graph/terms.ts'
import { withAllPaths } from '../../plan/executable.ts'
import { once } from '../../plan/lowering.ts'
import { drawNoises, FeedNumbers, isOff, nameOf, type RunKind } from '../../plan/runInputs.ts'
import type { Device } from '../device/device.ts'
import type { Readback, Staged } from '../device/transfers.ts'
import type { Output, Plan } from '../lower/index.ts'
import { GRADIENT_TALLY } from '../plan/layout.ts'
import type { BoundDispatch, Program, Section } from '../plan/program.ts'
import { TALLY_LENGTH, tallyAt } from './tallyRing.ts'

/**
 * The three modes of a run, in the order in which kernels number them: 0 training, 1 batch statistics without updates,
 * 2 evaluation.
 */
const MODES: readonly Mode[] = ['train', 'probe', 'eval']

/** What a step computes beside the loss, and which tally receives the loss and the counts of correct predictions. */
interface Wants extends Pick<RunKind, 'mode' | 'weights' | 'coefficients'> {
  /** Number of the tally in the results buffer that receives the step's loss and counts of correct predictions. */
  readonly tally: number
  /** The SGD update that the step makes to the weights; absent: the weights stay as they are. */
  readonly sgd?: SgdStep
}

/** Runs steps, gradients and forward passes of one compiled network. */
export class Machine {
  readonly network: Network
  readonly plan: Plan
  readonly #device: Device
  readonly #readback: Readback
  readonly #feeding: Feeding
  readonly #replay: Replay

  constructor(device: Device, readback: Readback, network: Network, batchSize: number, plan: Plan) {
    this.network = network
    this.plan = plan
    this.#device = device
    this.#readback = readback
    this.#feeding = new Feeding(device, plan, new FeedNumbers(plan, network, batchSize))
    this.#replay = new Replay(plan.program, device.mostWorkgroups)
  }

  /**
   * Submits a forward pass and the loss, then the backward pass and the SGD step if `wants` asks for them. Reads
   * nothing back.
   */
  async run(feed: Feed, objective: Objective, wants: Wants): Promise<void> {
    await this.plan.program.fits
    this.#launch(feed, objective, wants, () => undefined)
    await this.#device.pace()
  }

  /**
   * Returns the loss, the counts of correct predictions, and the gradient of the mixing coefficients if wanted. The
   * gradient of the weights stays on the GPU.
   */
  async gradient(feed: Feed, objective: Objective, wants: Omit<Wants, 'tally' | 'sgd'>): Promise<GradientResult> {
    await this.plan.program.fits
    const { terms, feeds } = this.plan
    const bytes = 4 * (TALLY_LENGTH + (wants.coefficients ? terms.length : 0))
    const from = 4 * TALLY_LENGTH * GRADIENT_TALLY
    const { flags, result } = this.#launch(feed, objective, { ...wants, tally: GRADIENT_TALLY }, (encoder) =>
      this.#readback.stage(encoder, feeds.results, from, bytes),
    )
    const active = flags?.slice()
    const numbers = await this.#readback.read(result)
    await this.#device.pace()
    const tally = tallyAt(numbers, 0)
    if (!wants.coefficients) return tally
    const { coefficients = new Float64Array() } = feed
    const gradientOf = (term: number) => numbers[TALLY_LENGTH + term]
    return { ...tally, coefficients: coefficientGradient(terms, coefficients, active, gradientOf) }
  }

  /** Returns the logits of the main head, [batch, classes], and the features, [batch, height, width, channels]. */
  async forward(feed: Feed, mode: Mode): Promise<{ readonly logits: Float32Array; readonly features: Float32Array }> {
    await this.plan.program.fits
    const { logits, features } = this.plan
    const { values, classes, ...network } = this.network
    const { height, width, channels } = values[network.features]
    const { size } = feed.batch
    const flags = this.#feeding.write(feed)
    const runKind = { mode, weights: false, coefficients: false, pathMasked: flags !== undefined, recording: false }
    this.#set(runKind, size)
    const staged = this.#submit(['forward'], runKind, size, flags, (encoder) => [
      this.#stage(encoder, logits, size),
      this.#stage(encoder, features, size * height * width),
    ])
    const [numbers, map] = await Promise.all(staged.map((each) => this.#readback.read(each)))
    return {
      logits: withoutPadding(numbers, logits.channels, classes),
      features: withoutPadding(map, features.channels, channels),
    }
  }

  /** Runs a forward pass with all paths switched on that stores the activation masks in the plan's mask buffers. */
  recordMasks(feed: Feed): void {
    const { size } = feed.batch
    const flags = this.#feeding.write(withAllPaths(feed))
    const runKind = {
      mode: 'probe',
      weights: false,
      coefficients: false,
      pathMasked: false,
      recording: true,
    } as const
    this.#set(runKind, size)
    this.#submit(['forward'], runKind, size, flags, () => undefined)
  }

  /**
   * Writes the inputs and submits the sections of the step that are wanted; returns the activity flags and the result
   * of `after`.
   */
  #launch<T>(feed: Feed, objective: Objective, wants: Wants, after: (encoder: GPUCommandEncoder) => T) {
    const { sgd, tally } = wants
    const { size } = feed.batch
    const flags = this.#feeding.write(feed)
    const runKind = { ...wants, pathMasked: flags !== undefined, recording: false }
    if (objective.kind === 'logits') this.#feeding.writeCotangent(objective.cotangent)
    const smoothing = objective.kind === 'logits' ? 0 : (objective.labelSmoothing ?? 0)
    this.#set(runKind, size, { tally, smoothing, ...(sgd && descentOf(sgd)) })
    const back: Section[] = wants.weights || wants.coefficients ? ['backward'] : []
    const sections: Section[] = ['forward', objective.kind, ...back, ...(sgd ? (['descent'] as const) : [])]
    return { flags, result: this.#submit(sections, runKind, size, flags, after) }
  }

  /** Writes the numbers that change from run to run (`RUN_FIELDS`), which kernels read as `run`. */
  #set({ pathMasked, mode }: RunKind, samples: number, more: Parameters<Plan['run']['set']>[0] = {}): void {
    this.plan.run.set({ samples, pathMasked: Number(pathMasked), mode: MODES.indexOf(mode), ...more })
  }

  /**
   * Submits the dispatches of the given sections as one command buffer. Before a backward pass the gradient of the
   * weights is cleared, because filters that are switched off do not write theirs. Returns the result of `after`, which
   * may encode copies that follow the dispatches.
   */
  #submit<T>(
    sections: readonly Section[],
    runKind: RunKind,
    samples: number,
    flags: Uint8Array | undefined,
    after: (encoder: GPUCommandEncoder) => T,
  ): T {
    return this.#device.submit((encoder) => {
      if (sections.includes('backward')) encoder.clearBuffer(this.plan.state.gradient)
      const pass = encoder.beginComputePass()
      for (const section of sections) this.#replay.encode(pass, section, runKind, samples, flags)
      pass.end()
      return after(encoder)
    })
  }

  #stage(encoder: GPUCommandEncoder, { buffer, offset, channels }: Output, pixels: number): Staged {
    return this.#readback.stage(encoder, buffer, offset, 4 * pixels * channels)
  }
}

/** Returns the numbers that the kernel `sgd` reads (learning rate, momentum, …); `clipNorm` −1 means no clipping. */
const descentOf = ({ learningRate, momentum, nesterov, weightDecay, clipNorm }: SgdStep) => ({
  ...{ rate: learningRate, momentum, nesterov: Number(nesterov), decay: weightDecay },
  clipNorm: clipNorm ?? -1,
})

/** Removes padding channels: returns of each row of `stored` numbers the first `dense`. */
function withoutPadding(numbers: Float32Array, stored: number, dense: number): Float32Array {
  if (dense === stored) return numbers
  const rows = numbers.length / stored
  return Float32Array.from({ length: rows * dense }, (_, i) => numbers[Math.floor(i / dense) * stored + (i % dense)])
}

/**
 * Writes the inputs of a step to the GPU: images, labels, drop-path scales, noise, coefficients of terms, and activity
 * flags.
 */
class Feeding {
  readonly #device: Device
  readonly #plan: Plan
  readonly #numbers: FeedNumbers
  /** The activity flags of a step in which no path is switched off: all 1. */
  readonly #allOn: Uint32Array
  /**
   * For every term (summand of a node) its coefficient, the product of its mixing weights; then for every term 1 if it
   * is computed, 0 if its path is switched off.
   */
  readonly #terms: Float32Array

  constructor(device: Device, plan: Plan, numbers: FeedNumbers) {
    this.#device = device
    this.#plan = plan
    this.#numbers = numbers
    this.#allOn = new Uint32Array(plan.activity.count).fill(1)
    this.#terms = new Float32Array(2 * plan.terms.length)
  }

  /** Writes the inputs of a step to the GPU. @returns the activity flags; undefined if no path is switched off */
  write(feed: Feed): Uint8Array | undefined {
    const { feeds, noises } = this.#plan
    const { batch } = feed
    const flags = this.#numbers.take(feed)
    this.#terms.set(this.#numbers.factors)
    this.#terms.set(this.#numbers.enabled, this.#numbers.factors.length)
    this.#device.write(feeds.images, batch.images)
    this.#device.write(feeds.labels, batch.labels)
    this.#device.write(feeds.pathScales, this.#numbers.pathScales)
    this.#device.write(feeds.terms, this.#terms)
    this.#device.write(this.#plan.flags, flags === undefined ? this.#allOn : Uint32Array.from(flags))
    for (const [buffer, numbers] of drawNoises(feed, noises, flags)) this.#device.write(buffer, numbers)
    return flags
  }

  /** Writes the given gradient with respect to the logits (the cotangent), [batch, classes], to the GPU. */
  writeCotangent(cotangent: Float32Array): void {
    this.#device.write(this.#plan.feeds.cotangent, cotangent)
  }
}

/**
 * Encodes the dispatches of a program into compute passes. The list for each section and kind of run is selected once
 * and kept.
 */
class Replay {
  readonly #program: Program
  readonly #most: number
  readonly #lists = new Map<string, readonly BoundDispatch[]>()

  /**
   * Prepares to encode the dispatches of a program.
   *
   * @param most upper limit on the workgroups of kernels whose threads can each compute several items (`eachItem`)
   */
  constructor(program: Program, most: number) {
    this.#program = program
    this.#most = most
  }

  /**
   * Encodes the dispatches of one section of a step.
   *
   * @param flags the activity flags; undefined: no path is switched off
   */
  encode(
    pass: GPUComputePassEncoder,
    section: Section,
    runKind: RunKind,
    samples: number,
    flags: Uint8Array | undefined,
  ): void {
    let current: GPUComputePipeline | undefined
    for (const { pipeline, bindings, grid, condition } of this.#dispatches(section, runKind)) {
      if (isOff(flags, condition)) continue
      const [x, y, z] = grid(samples, this.#most)
      if (pipeline !== current) pass.setPipeline(pipeline)
      current = pipeline
      pass.setBindGroup(0, bindings)
      pass.dispatchWorkgroups(x, y, z)
    }
  }

  #dispatches(section: Section, runKind: RunKind): readonly BoundDispatch[] {
    const key = `${section} ${nameOf(runKind)}`
    return once(this.#lists, key, () => this.#program.bind(section, runKind))
  }
}
