/** A feed as the numbers that a static plan takes, whatever device it runs on. */
import type { Feed } from '../../core/executor.ts'
import type { Network, Value } from '../../core/network.ts'
import type { Activity } from '../graph/activity.ts'
import { type PlannedTerm, weightOf } from '../graph/terms.ts'
import { drawNoise } from '../noise.ts'
import { isOff } from './situation.ts'

/** What of a plan its numbers depend on. */
export interface FedPlan {
  readonly activity: Activity
  readonly terms: readonly PlannedTerm[]
}

export class FeedNumbers {
  /** Of each drop-path site and sample, [paths][largest batch]. */
  readonly pathScales: Float32Array
  /** Π factors of each term. */
  readonly factors: Float32Array
  /** Of each term, 1 where it counts. */
  readonly enabled: Uint8Array
  readonly #plan: FedPlan
  readonly #pathCount: number
  readonly #batchSize: number
  readonly #flags: Uint8Array

  /** @param flags room for one an activity */
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

  /** Takes the numbers of a feed, until the next. → its activity flags; undefined where everything runs */
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

/** Where the host writes the numbers of a noise layer. @typeParam P a place on the device */
export interface NoiseSlot<P> {
  readonly site: number
  readonly place: P
  readonly shape: Value
  /** Flag without which it is not read; −1 where it always is. */
  readonly condition: number
}

/** The numbers of all noise layers that a feed reads, each with its place. */
export function* drawNoises<P>(
  { batch }: Feed,
  slots: readonly NoiseSlot<P>[],
  flags: Uint8Array | undefined,
): Generator<readonly [place: P, numbers: Float32Array]> {
  for (const { site, place, shape, condition } of slots) {
    if (!isOff(flags, condition)) yield [place, drawNoise(batch, site, shape)]
  }
}
