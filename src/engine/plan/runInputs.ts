/**
 * The inputs of one run of a network compiled for WebAssembly or WebGPU: the kind of run, and the numbers that change
 * from batch to batch (term weights, activity flags, drop-path scales, noise).
 */
import type { Batch } from '../../core/data.ts'
import type { Feed, Mode } from '../../core/executor.ts'
import type { Network, Value } from '../../core/network.ts'
import { random } from '../../core/random.ts'
import type { Activity } from '../graph/activity.ts'
import { type PlannedTerm, weightOf } from '../graph/terms.ts'

/**
 * One kind of run of a compiled network: its mode, and what it computes. The kind and the activity flags decide which
 * kernel calls are executed.
 */
export interface RunKind {
  readonly mode: Mode
  /** Whether the run computes the gradient with respect to the network weights. */
  readonly weights: boolean
  /** Whether the run computes the gradient with respect to the mixing coefficients. */
  readonly coefficients: boolean
  /** Whether some paths may be switched off in the run. */
  readonly pathMasked: boolean
  /** Whether the run records new masks of frozen ReLUs and max poolings. */
  readonly recording: boolean
}

/** Returns a text that names a kind of run uniquely; maps of kernel calls use it as a key. */
export const nameOf = ({ mode, weights, coefficients, pathMasked, recording }: RunKind): string =>
  `${mode} ${weights} ${coefficients} ${pathMasked} ${recording}`

/**
 * Tells whether a kernel call is skipped because the paths that need it are switched off.
 *
 * @param flags the activity flags of the step; undefined: every call runs
 * @param condition position of the flag that must be set; −1: the call always runs
 */
export const isOff = (flags: Uint8Array | undefined, condition: number): boolean =>
  flags !== undefined && condition >= 0 && flags[condition] === 0

/** The parts of a compiled network from which `FeedNumbers` computes term weights and activity flags. */
export interface FedPlan {
  readonly activity: Activity
  readonly terms: readonly PlannedTerm[]
}

/**
 * Computes the numbers that a compiled network reads with each batch: term weights, activity flags and drop-path
 * scales.
 */
export class FeedNumbers {
  /** Drop-path scales of the batch, [paths that may be dropped][samples of the largest batch]. */
  readonly pathScales: Float32Array
  /** The weight of each term of a weighted sum: the product of its mixing coefficients. */
  readonly factors: Float32Array
  /** For each term of a weighted sum, 1 if it is computed in this step, else 0. */
  readonly enabled: Uint8Array
  readonly #plan: FedPlan
  readonly #pathCount: number
  readonly #batchSize: number
  readonly #flags: Uint8Array

  /**
   * Allocates the buffers for one compiled network. @param flags buffer for the activity flags; by default a new one
   */
  constructor(
    plan: FedPlan,
    { pathCount }: Network,
    batchSize: number,
    flags: Uint8Array = new Uint8Array(plan.activity.count),
  ) {
    this.pathScales = new Float32Array(pathCount * batchSize)
    this.factors = new Float32Array(plan.terms.length)
    this.enabled = new Uint8Array(plan.terms.length)
    this.#plan = plan
    this.#pathCount = pathCount
    this.#batchSize = batchSize
    this.#flags = flags
  }

  /**
   * Computes the term weights, the activity flags and the drop-path scales of a feed, and writes them to this object's
   * arrays, where the next call overwrites them. Returns the activity flags; undefined if no path is switched off.
   */
  take(feed: Feed): Uint8Array | undefined {
    const { activity, terms } = this.#plan
    const { active, coefficients } = feed
    const flags = active === undefined ? undefined : this.#flags
    if (active !== undefined) activity.resolve(active, this.#flags)
    terms.forEach((term, i) => {
      this.factors[i] = weightOf(term, coefficients)
      this.enabled[i] = flags === undefined ? 1 : flags[term.flag]
    })
    this.#takePathScales(feed)
    return flags
  }

  #takePathScales({ pathScales, batch }: Feed): void {
    if (pathScales === undefined) this.pathScales.fill(1)
    else {
      for (let path = 0; path < this.#pathCount; path++) {
        const scales = pathScales.subarray(path * batch.size, (path + 1) * batch.size)
        this.pathScales.set(scales, path * this.#batchSize)
      }
    }
  }
}

/**
 * Where the host writes the random numbers of a noise layer, in the memory of the backend.
 *
 * @typeParam P an address or a buffer of the backend
 */
export interface NoiseSlot<P> {
  readonly site: number
  readonly place: P
  readonly shape: Value
  /** Position of the activity flag that must be set for the noise layer to run; −1: it always runs. */
  readonly condition: number
}

/**
 * Draws the random numbers of every noise layer that the activity flags let run, and yields them with the place to
 * write them to.
 */
export function* drawNoises<P>(
  { batch }: Feed,
  slots: readonly NoiseSlot<P>[],
  flags: Uint8Array | undefined,
): Generator<readonly [place: P, numbers: Float32Array]> {
  for (const { site, place, shape, condition } of slots) {
    if (!isOff(flags, condition)) yield [place, drawNoise(batch, site, shape)]
  }
}

/**
 * Returns standard normal random numbers for one noise layer and one batch, [batch, height, width, channels]. They
 * depend only on the batch's random key and the layer: all executors, and all passes over the batch, see the same
 * noise.
 */
export function drawNoise({ size, randomKey }: Batch, site: number, { height, width, channels }: Value): Float32Array {
  const { seed, path } = randomKey ?? { seed: 0, path: [] }
  const noise = new Float32Array(size * height * width * channels)
  random(seed, ...path, 'noise', site).fillNormal(noise)
  return noise
}
