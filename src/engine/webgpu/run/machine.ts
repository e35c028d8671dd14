/** A plan ready to run: every call writes a feed that fits and submits the whole step at once. */
import type { Feed, GradientResult, Mode, Objective, SgdStep } from '../../../core/executor.ts'
import type { Network } from '../../../core/network.ts'
import { withAllPaths } from '../../executable.ts'
import { coefficientGradient } from '../../graph/terms.ts'
import { FeedNumbers } from '../../plan/feedNumbers.ts'
import type { Situation } from '../../plan/situation.ts'
import type { Device } from '../device/device.ts'
import type { Readback, Staged } from '../device/readback.ts'
import type { Output, Plan } from '../lower/index.ts'
import { GRADIENT_TALLY } from '../plan/layout.ts'
import type { Section } from '../plan/program.ts'
import { Feeding } from './feeding.ts'
import { Replay } from './replay.ts'
import { TALLY_LENGTH, tallyAt } from './tallyRing.ts'

/** As kernels number them. */
const MODES: readonly Mode[] = ['train', 'probe', 'eval']

/** What a run is for; the feed says the rest. */
interface Wants extends Pick<Situation, 'mode' | 'weights' | 'coefficients'> {
  /** Where its loss and counts go. */
  readonly tally: number
  /** With it, the weights take a step. */
  readonly sgd?: SgdStep
}

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

  /** Forward, loss, back as far as gradients are wanted, and the step. Nothing is read. */
  async run(feed: Feed, objective: Objective, wants: Wants): Promise<void> {
    await this.plan.program.fits
    this.#launch(feed, objective, wants, () => undefined)
    await this.#device.pace()
  }

  /** Loss and gradients; that of the weights is left on the device. */
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

  /** Main-head logits and features. */
  async forward(feed: Feed, mode: Mode): Promise<{ readonly logits: Float32Array; readonly features: Float32Array }> {
    await this.plan.program.fits
    const { logits, features } = this.plan
    const { values, classes, ...network } = this.network
    const { height, width, channels } = values[network.features]
    const { size } = feed.batch
    const flags = this.#feeding.write(feed)
    const situation = { mode, weights: false, coefficients: false, pathMasked: flags !== undefined, recording: false }
    this.#set(situation, size)
    const staged = this.#submit(['forward'], situation, size, flags, (encoder) => [
      this.#stage(encoder, logits, size),
      this.#stage(encoder, features, size * height * width),
    ])
    const [numbers, map] = await Promise.all(staged.map((each) => this.#readback.read(each)))
    return {
      logits: withoutFilling(numbers, logits.channels, classes),
      features: withoutFilling(map, features.channels, channels),
    }
  }

  /** A forward pass that leaves what activation masks decide by in the plan's masks; of switched-off paths, too. */
  recordMasks(feed: Feed): void {
    const { size } = feed.batch
    const flags = this.#feeding.write(withAllPaths(feed))
    const situation = {
      mode: 'probe',
      weights: false,
      coefficients: false,
      pathMasked: false,
      recording: true,
    } as const
    this.#set(situation, size)
    this.#submit(['forward'], situation, size, flags, () => undefined)
  }

  #launch<T>(feed: Feed, objective: Objective, wants: Wants, after: (encoder: GPUCommandEncoder) => T) {
    const { sgd, tally } = wants
    const { size } = feed.batch
    const flags = this.#feeding.write(feed)
    const situation = { ...wants, pathMasked: flags !== undefined, recording: false }
    if (objective.kind === 'logits') this.#feeding.writeCotangent(objective.cotangent)
    const smoothing = objective.kind === 'logits' ? 0 : (objective.labelSmoothing ?? 0)
    this.#set(situation, size, { tally, smoothing, ...(sgd && descentOf(sgd)) })
    const back: Section[] = wants.weights || wants.coefficients ? ['backward'] : []
    const sections: Section[] = ['forward', objective.kind, ...back, ...(sgd ? (['descent'] as const) : [])]
    return { flags, result: this.#submit(sections, situation, size, flags, after) }
  }

  #set({ pathMasked, mode }: Situation, samples: number, more: Parameters<Plan['run']['set']>[0] = {}): void {
    this.plan.run.set({ samples, pathMasked: Number(pathMasked), mode: MODES.indexOf(mode), ...more })
  }

  /** One command buffer: what the gradient of the weights starts from, all dispatches, and what comes after them. */
  #submit<T>(
    sections: readonly Section[],
    situation: Situation,
    samples: number,
    flags: Uint8Array | undefined,
    after: (encoder: GPUCommandEncoder) => T,
  ): T {
    return this.#device.submit((encoder) => {
      if (sections.includes('backward')) encoder.clearBuffer(this.plan.state.gradient)
      const pass = encoder.beginComputePass()
      for (const section of sections) this.#replay.encode(pass, section, situation, samples, flags)
      pass.end()
      return after(encoder)
    })
  }

  #stage(encoder: GPUCommandEncoder, { buffer, offset, channels }: Output, pixels: number): Staged {
    return this.#readback.stage(encoder, buffer, offset, 4 * pixels * channels)
  }
}

/** As the kernel `sgd` reads it. */
const descentOf = ({ learningRate, momentum, nesterov, weightDecay, clipNorm }: SgdStep) => ({
  ...{ rate: learningRate, momentum, nesterov: Number(nesterov), decay: weightDecay },
  clipNorm: clipNorm ?? -1,
})

/** Rows of `stored` numbers, of each the first `dense`. */
function withoutFilling(numbers: Float32Array, stored: number, dense: number): Float32Array {
  if (dense === stored) return numbers
  const rows = numbers.length / stored
  return Float32Array.from({ length: rows * dense }, (_, i) => numbers[Math.floor(i / dense) * stored + (i % dense)])
}
