/**
 * Runs a compiled network: each call writes the inputs to the GPU and submits all dispatches of one step as one command
 * buffer.
 */
import type { Activations, Feed, GradientResult, Mode, Objective, SgdStep } from '../../../core/executor.ts'
import type { Network } from '../../../core/network.ts'
import { coefficientGradient } from '../../graph/terms.ts'
import { classWeightsOf, observedObjective, withAllPaths } from '../../plan/executable.ts'
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

/** What a step computes besides the loss, and which tally (loss and counts of correct predictions) it writes. */
interface Wants extends Pick<RunKind, 'mode' | 'weights' | 'coefficients'> {
  /** Whether the gradients of the observed activations are computed. */
  readonly observed?: boolean
  /** Index of the tally in the results buffer to which the step writes its loss and counts of correct predictions. */
  readonly tally: number
  /** The SGD update of the weights with which the step ends; absent: the weights stay as they are. */
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
   * Submits a forward pass and the loss, then the backward pass and the SGD step if `wants` asks for them. Does not
   * wait for results.
   */
  async run(feed: Feed, objective: Objective, wants: Wants): Promise<void> {
    await this.plan.program.fits
    this.#launch(feed, objective, wants, () => undefined)
    await this.#device.pace()
  }

  /**
   * Returns the loss, the counts of correct predictions, and what `wants` asks for: the gradient of the mixing
   * coefficients, the observed activations and their gradients. The gradient of the network weights stays on the GPU.
   */
  async gradient(feed: Feed, objective: Objective, wants: Omit<Wants, 'tally' | 'sgd'>): Promise<GradientResult> {
    await this.plan.program.fits
    const { terms, feeds } = this.plan
    const bytes = 4 * (TALLY_LENGTH + (wants.coefficients ? terms.length : 0))
    const from = 4 * TALLY_LENGTH * GRADIENT_TALLY
    const cotangents = objective.kind === 'observed' ? objective.cotangents : undefined
    const { size } = feed.batch
    const { flags, result } = this.#launch(feed, objective, { ...wants, tally: GRADIENT_TALLY }, (encoder) => ({
      results: this.#readback.stage(encoder, feeds.results, from, bytes),
      values: wants.observed || cotangents ? this.#stageObserved(encoder, 'value', size) : [],
      gradients: wants.observed ? this.#stageObserved(encoder, 'gradient', size) : [],
    }))
    const active = flags?.slice()
    const numbers = await this.#readback.read(result.results)
    const [values, gradients] = [await this.#readAll(result.values), await this.#readAll(result.gradients)]
    await this.#device.pace()
    const answer = {
      ...tallyAt(numbers, 0),
      ...(cotangents && { loss: observedObjective(cotangents, values) }),
      ...(wants.observed && { observed: values.map((value, i) => ({ value, gradient: gradients[i] })) }),
    }
    if (!wants.coefficients) return answer
    const { coefficients = new Float64Array() } = feed
    const gradientOf = (term: number) => numbers[TALLY_LENGTH + term]
    return { ...answer, coefficients: coefficientGradient(terms, coefficients, active, gradientOf) }
  }

  /**
   * Returns the logits of the main head, [batch, classes]; the feature map before global pooling, and the activations
   * that the network's definition lists as observed, each [batch, height, width, channels].
   */
  async forward(feed: Feed, mode: Mode): Promise<Activations> {
    await this.plan.program.fits
    const { logits, features } = this.plan
    const { values, classes, ...network } = this.network
    const { height, width, channels } = values[network.features]
    const { size } = feed.batch
    const flags = this.#feeding.write(feed)
    const runKind = { mode, weights: false, coefficients: false, pathMasked: flags !== undefined, recording: false }
    this.#set(runKind, size)
    const staged = this.#submit(['forward'], runKind, size, flags, (encoder) => ({
      main: [this.#stage(encoder, logits, size), this.#stage(encoder, features, size * height * width)],
      observed: this.#stageObserved(encoder, 'value', size),
    }))
    const [numbers, map] = await Promise.all(staged.main.map((each) => this.#readback.read(each)))
    return {
      logits: withoutPadding(numbers, logits.channels, classes),
      features: withoutPadding(map, features.channels, channels),
      observed: await this.#readAll(staged.observed),
    }
  }

  /** Runs a forward pass with no path switched off, which stores the activation masks in the plan's mask buffers. */
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
   * Writes the inputs and submits the sections of a step that `wants` asks for. Returns the activity flags of the step
   * and the result of `after`, which may encode copies that follow the dispatches.
   */
  #launch<T>(feed: Feed, objective: Objective, wants: Wants, after: (encoder: GPUCommandEncoder) => T) {
    const { sgd, tally } = wants
    const { size } = feed.batch
    const flags = this.#feeding.write(feed)
    const runKind = { ...wants, pathMasked: flags !== undefined, recording: false }
    const isEntropy = objective.kind === 'cross-entropy'
    if (objective.kind === 'logits') this.#feeding.writeCotangent(objective.cotangent)
    if (objective.kind === 'observed') this.#feeding.writeCotangent(new Float32Array(size * this.network.classes))
    const smoothing = isEntropy ? (objective.labelSmoothing ?? 0) : 0
    const labelWeights = isEntropy ? this.#writeClassWeights(feed, classWeightsOf(objective, this.network)) : size
    this.#set(runKind, size, { tally, smoothing, labelWeights, ...(sgd && descentOf(sgd)) })
    const back: Section[] = wants.weights || wants.coefficients || wants.observed ? ['backward'] : []
    const loss = isEntropy ? 'cross-entropy' : 'logits'
    const sections: Section[] = ['forward', loss, ...back, ...(sgd ? (['descent'] as const) : [])]
    const cotangents = objective.kind === 'observed' ? this.#cotangentBuffers(objective.cotangents, size) : undefined
    const result = this.#submit(sections, runKind, size, flags, after, cotangents)
    for (const buffer of cotangents ?? []) buffer.destroy()
    return { flags, result }
  }

  /**
   * Writes the class weights of a cross-entropy to the GPU. Returns the sum, over the labels of the batch, of the
   * label's class weight.
   */
  #writeClassWeights({ batch }: Feed, classWeights: readonly number[]): number {
    this.#device.write(this.plan.feeds.classWeights, Float32Array.from(classWeights))
    return batch.labels.reduce((sum, label) => sum + classWeights[label], 0)
  }

  /** Returns one GPU buffer for the cotangent of each observed activation, with padding channels. */
  #cotangentBuffers(cotangents: readonly Float32Array[], size: number): GPUBuffer[] {
    return this.#eachObserved(({ gradient }, pixels, channels, i) => {
      const rows = size * pixels
      const padded = new Float32Array(rows * gradient.channels)
      for (let row = 0; row < rows; row++) {
        padded.set(cotangents[i].subarray(row * channels, (row + 1) * channels), row * gradient.channels)
      }
      const buffer = this.#device.buffer(padded.byteLength, 'the cotangent of an observed activation')
      this.#device.write(buffer, padded)
      return buffer
    })
  }

  /**
   * Encodes copies of the observed activations, or of the gradients with respect to them, to buffers that the host can
   * read.
   */
  #stageObserved(encoder: GPUCommandEncoder, part: 'value' | 'gradient', size: number): StagedRows[] {
    return this.#eachObserved((places, pixels, channels) => {
      const output = places[part]
      return { staged: this.#stage(encoder, output, size * pixels), stored: output.channels, channels }
    })
  }

  #readAll(parts: readonly StagedRows[]): Promise<Float32Array[]> {
    return Promise.all(
      parts.map(async ({ staged, stored, channels }) =>
        withoutPadding(await this.#readback.read(staged), stored, channels),
      ),
    )
  }

  /**
   * Calls `use` for each observed activation with its place on the GPU, its number of pixels per sample, and its number
   * of channels without padding.
   */
  #eachObserved<T>(use: (places: Plan['observed'][number], pixels: number, channels: number, index: number) => T): T[] {
    const { observed = [], values } = this.network
    return observed.map((id, i) => {
      const { height, width, channels } = values[id]
      return use(this.plan.observed[i], height * width, channels, i)
    })
  }

  /** Writes the values that change from run to run (`RUN_FIELDS`), which kernels read as `run`. */
  #set({ pathMasked, mode }: RunKind, samples: number, more: Parameters<Plan['run']['set']>[0] = {}): void {
    this.plan.run.set({ samples, pathMasked: Number(pathMasked), mode: MODES.indexOf(mode), ...more })
  }

  /**
   * Submits the dispatches of the given sections as one command buffer. Before a backward pass the gradient of the
   * weights is cleared, because filters that are switched off do not write theirs, and the gradients of observed
   * activations start at their cotangents or zero. Returns the result of `after`, which may encode copies that follow
   * the dispatches.
   */
  #submit<T>(
    sections: readonly Section[],
    runKind: RunKind,
    samples: number,
    flags: Uint8Array | undefined,
    after: (encoder: GPUCommandEncoder) => T,
    cotangents?: readonly GPUBuffer[],
  ): T {
    return this.#device.submit((encoder) => {
      const isBackward = sections.includes('backward')
      if (isBackward) encoder.clearBuffer(this.plan.state.gradient)
      let pass = encoder.beginComputePass()
      for (const section of sections) {
        if (section === 'backward' && this.plan.observed.length > 0) {
          pass.end()
          this.#startObservedGradients(encoder, samples, cotangents)
          pass = encoder.beginComputePass()
        }
        this.#replay.encode(pass, section, runKind, samples, flags)
      }
      pass.end()
      return after(encoder)
    })
  }

  /**
   * Encodes the initial gradients with respect to the observed activations: copies of their cotangents, or zeros if
   * there are none.
   */
  #startObservedGradients(encoder: GPUCommandEncoder, samples: number, cotangents?: readonly GPUBuffer[]): void {
    this.#eachObserved(({ gradient: { buffer, offset, channels: stored } }, pixels, _, i) => {
      const bytes = 4 * samples * pixels * stored
      const cotangent = cotangents?.[i]
      if (cotangent === undefined) encoder.clearBuffer(buffer, offset, bytes)
      else encoder.copyBufferToBuffer(cotangent, 0, buffer, offset, bytes)
    })
  }

  #stage(encoder: GPUCommandEncoder, { buffer, offset, channels }: Output, pixels: number): Staged {
    return this.#readback.stage(encoder, buffer, offset, 4 * pixels * channels)
  }
}

/**
 * An activation on its way to the host, in rows of `stored` floats; the first `channels` floats of each row are real
 * channels, the others padding.
 */
interface StagedRows {
  readonly staged: Staged
  readonly stored: number
  readonly channels: number
}

/** Returns the values that the kernel `sgd` reads (learning rate, momentum, …); `clipNorm` −1 means no clipping. */
const descentOf = ({ learningRate, momentum, nesterov, weightDecay, clipNorm }: SgdStep) => ({
  ...{ rate: learningRate, momentum, nesterov: Number(nesterov), decay: weightDecay },
  clipNorm: clipNorm ?? -1,
})

/** Removes padding channels: keeps the first `dense` of every `stored` numbers. */
function withoutPadding(numbers: Float32Array, stored: number, dense: number): Float32Array {
  if (dense === stored) return numbers
  const rows = numbers.length / stored
  return Float32Array.from({ length: rows * dense }, (_, i) => numbers[Math.floor(i / dense) * stored + (i % dense)])
}

/**
 * Writes the inputs of a step to the GPU: images, labels, drop-path scales, noise, the coefficients of terms, and
 * activity flags.
 */
class Feeding {
  readonly #device: Device
  readonly #plan: Plan
  readonly #numbers: FeedNumbers
  /** The activity flags of a step in which no path is switched off: all 1. */
  readonly #allOn: Uint32Array
  /**
   * First the coefficient of every term (summand of a node), which is the product of its mixing weights; then for every
   * term 1 if it is computed, 0 if its path is switched off.
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
 * Encodes the dispatches of a program into compute passes. It selects the dispatches of each section and kind of run
 * once and keeps the list.
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
