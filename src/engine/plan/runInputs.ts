/**
 * The inputs of one run of a static plan, the same for WebAssembly and WebGPU: the kind of run, and the numbers that a
 * batch brings (term weights, activity flags, drop-path scales, noise).
 */
import type { Batch } from '../../core/data.ts'
import type { Feed, Mode } from '../../core/executor.ts'
import type { Network, Value } from '../../core/network.ts'
import { random } from '../../core/random.ts'
import type { Activity } from '../graph/activity.ts'
import { type PlannedTerm, weightOf } from '../graph/terms.ts'

/**
 * One kind of run. The kind and the activity flags decide which kernel calls or dispatches of a plan are replayed.
 */
export interface RunKind {
  readonly mode: Mode
  /** Whether the gradient with respect to the network weights is computed. */
  readonly weights: boolean
  /** Whether the gradient with respect to the mixing coefficients is computed. */
  readonly coefficients: boolean
  /** Whether some paths may be switched off. */
  readonly pathMasked: boolean
  /** Whether frozen activations record new masks. */
  readonly recording: boolean
}

/** Returns a text that names a kind of run uniquely; maps use it as a key. */
export const nameOf = ({ mode, weights, coefficients, pathMasked, recording }: RunKind): string =>
  `${mode} ${weights} ${coefficients} ${pathMasked} ${recording}`

/**
 * Tells whether a kernel call or dispatch is skipped because the paths that need it are switched off.
 *
 * @param flags the activity flags; undefined: everything runs
 * @param condition number of the flag that must be set; −1: the call always runs
 */
export const isOff = (flags: Uint8Array | undefined, condition: number): boolean =>
  flags !== undefined && condition >= 0 && flags[condition] === 0

/** The parts of a plan from which `FeedNumbers` computes term weights and activity flags. */
export interface FedPlan {
  readonly activity: Activity
  readonly terms: readonly PlannedTerm[]
}

/** Computes the numbers that a plan reads from a feed: term weights, activity flags and drop-path scales. */
export class FeedNumbers {
  /** Drop-path scales, [paths][largest batch]. */
  readonly pathScales: Float32Array
  /** The weight of each term, Π factors. */
  readonly factors: Float32Array
  /** For each term 1 if it is computed, else 0. */
  readonly enabled: Uint8Array
  readonly #plan: FedPlan
  readonly #pathCount: number
  readonly #batchSize: number
  readonly #flags: Uint8Array

  /** Allocates the buffers. @param flags buffer for the activity flags; by default a new one */
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
   * Computes the numbers of a feed into this object's buffers, which the next call overwrites. Returns the activity
   * flags; undefined if no path is switched off.
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
 * The place in backend memory to which the host writes the random numbers of a noise layer.
 *
 * @typeParam P an address or a buffer of the backend
 */
export interface NoiseSlot<P> {
  readonly site: number
  readonly place: P
  readonly shape: Value
  /** Number of the activity flag under which the layer runs; −1: it always runs. */
  readonly condition: number
}

/** Draws the random numbers of every noise layer that runs under these flags, and yields each with its place. */
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
