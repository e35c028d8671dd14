/** Creates the untrained network of an architecture and computes training-free scores of it. */
import type { Batch, ImageShape } from '../../core/data.ts'
import type { Executable, Executor } from '../../core/executor.ts'
import type { Network, ValueId } from '../../core/network.ts'
import { random } from '../../core/random.ts'
import { degenerate, type Score, type ScoreInput } from '../../core/score.ts'
import { type Initialisation, initialWeights, type NumberSource } from '../../training/initialise.ts'

/** Size of a network: channels after the stem, depth in the unit of the search space, and shape of the images. */
export interface NetworkSize {
  readonly channels: number
  readonly depth: number
  readonly shape: ImageShape
}

/** The settings, executor and images with which the architectures are scored under one seed. */
export interface ScoringSite {
  readonly executor: Executor
  readonly size: NetworkSize
  readonly batchSize: number
  readonly initialisation: Initialisation
  readonly seed: number
  /** Returns a batch of the images that belong to the seed. @param index number of the batch, from 0 */
  batch(index: number): Batch
}

/** Computes scores of architectures under one seed. Random numbers that all architectures share are drawn only once. */
export class Scorer {
  readonly #site: ScoringSite
  readonly #numbers: ReplayedNumbers

  constructor(site: ScoringSite) {
    this.#site = site
    this.#numbers = new ReplayedNumbers(site.seed)
  }

  /**
   * Computes scores of one architecture. Its initial weights are taken from the beginning of one random stream that all
   * architectures share, as if each network were created right after setting the seed.
   *
   * @param build builds the architecture's network in a given size
   * @returns one number for each score; a score that is not finite is replaced by the number of a degenerate network,
   * and so is each that reads more than the architecture if an initial weight is not finite
   */
  async score(scores: readonly Score[], build: (size: NetworkSize) => Network): Promise<number[]> {
    const results = new Map<Score, number>()
    for (const [initialisation, group] of byInitialisation(scores, this.#site.initialisation)) {
      const input = new NetworkInput(this.#site, this.#numbers, build, initialisation)
      try {
        for (const score of group) {
          const isRated = score.reads === 'architecture' || input.hasFiniteWeights
          const value = isRated ? await score.compute(input) : Number.NaN
          results.set(score, Number.isFinite(value) ? value : degenerate(score))
        }
      } finally {
        await input.close()
      }
    }
    return scores.map((score) => results.get(score) as number)
  }
}

/**
 * Groups scores by the weight initialisation that they require. @param usual initialisation of scores that require none
 */
function byInitialisation(scores: readonly Score[], usual: Initialisation): Map<Initialisation, Score[]> {
  const groups = new Map<Initialisation, Score[]>()
  for (const score of scores) {
    const own = (score.initialisation as Initialisation | undefined) ?? usual
    groups.set(own, [...(groups.get(own) ?? []), score])
  }
  return groups
}

/**
 * A stream of uniform and one of normal random numbers, which are drawn once and replayed from their beginning for
 * every network.
 */
class ReplayedNumbers {
  readonly #uniform: { readonly draw: () => number; numbers: Float64Array; drawn: number }
  readonly #normal: { readonly draw: () => number; numbers: Float64Array; drawn: number }

  constructor(seed: number) {
    const [uniform, normal] = [random(seed, 'score', 'weights'), random(seed, 'score', 'weights', 'normal')]
    this.#uniform = { draw: () => uniform.uniform(), numbers: new Float64Array(1024), drawn: 0 }
    this.#normal = { draw: () => normal.normal(), numbers: new Float64Array(1024), drawn: 0 }
  }

  /** Returns both streams, to be read from their beginning. */
  fromStart(): NumberSource {
    return { uniform: replay(this.#uniform), normal: replay(this.#normal) }
  }
}

function replay(kept: { readonly draw: () => number; numbers: Float64Array; drawn: number }): () => number {
  let at = 0
  return () => {
    if (at === kept.drawn) {
      if (at === kept.numbers.length) {
        const longer = new Float64Array(2 * at)
        longer.set(kept.numbers)
        kept.numbers = longer
      }
      kept.numbers[kept.drawn++] = kept.draw()
    }
    return kept.numbers[at++]
  }
}

/** The untrained network of one architecture, under one initialisation. */
class NetworkInput implements ScoreInput {
  readonly network: Network
  readonly shape: ImageShape
  readonly executor: Executor
  readonly batchSize: number
  readonly #site: ScoringSite
  readonly #numbers: ReplayedNumbers
  readonly #build: (size: NetworkSize) => Network
  readonly #initialisation: Initialisation
  readonly #opened = new Map<string, Promise<Executable>>()
  readonly #shared = new Map<string, Promise<unknown>>()
  #weights: Float32Array | undefined
  #hasFiniteWeights: boolean | undefined

  constructor(
    site: ScoringSite,
    numbers: ReplayedNumbers,
    build: (size: NetworkSize) => Network,
    initialisation: Initialisation,
  ) {
    this.network = build(site.size)
    this.shape = site.size.shape
    this.executor = site.executor
    this.batchSize = site.batchSize
    this.#site = site
    this.#numbers = numbers
    this.#build = build
    this.#initialisation = initialisation
  }

  get weights(): Float32Array {
    this.#weights ??= initialWeights(this.network, this.#numbers.fromStart(), this.#initialisation)
    return this.#weights
  }

  get hasFiniteWeights(): boolean {
    this.#hasFiniteWeights ??= this.weights.every(Number.isFinite)
    return this.#hasFiniteWeights
  }

  batch = (index = 0): Batch => this.#site.batch(index)

  random = (...path: readonly (string | number)[]) => random(this.#site.seed, 'score', ...path)

  open = (observed: readonly ValueId[] = []): Promise<Executable> => {
    const distinct = [...new Set(observed)]
    const key = distinct.join()
    const opened = this.#opened.get(key) ?? this.#compile(distinct)
    this.#opened.set(key, opened)
    return opened
  }

  resized = (size: NetworkSize): Network => this.#build(size)

  shared = <T>(key: string, compute: () => Promise<T>): Promise<T> => {
    const result = (this.#shared.get(key) as Promise<T> | undefined) ?? compute()
    this.#shared.set(key, result)
    return result
  }

  async close(): Promise<void> {
    for (const executable of this.#opened.values()) (await executable.catch(() => undefined))?.dispose()
  }

  async #compile(observed: readonly ValueId[]): Promise<Executable> {
    const network = observed.length === 0 ? this.network : { ...this.network, observed }
    const executable = await this.executor.compile(network, { batchSize: this.batchSize })
    executable.weights.write(this.weights)
    return executable
  }
}
