/**
 * Rates architectures by training-free scores during a search. The networks have the protocol's size, the images are
 * standard normal noise, and each score of a network costs a fixed time on the simulated clock, so that a search gives
 * the same answer on every machine.
 */
import { BenchError } from '../../core/errors.ts'
import type { Oracle } from '../../core/evaluation.ts'
import type { Executor } from '../../core/executor.ts'
import { Registry } from '../../core/plugin.ts'
import type { Protocol } from '../../core/protocol.ts'
import { random } from '../../core/random.ts'
import type { Score } from '../../core/score.ts'
import type { Genotype, SearchSpace } from '../../core/space.ts'
import { openExecutor } from '../../engine/index.ts'
import { midRanks } from '../statistics/ranks.ts'
import { gaussianBatch } from '../zenScore.ts'
import { builtinScores, isRankScore, scoreNamed } from './index.ts'
import { type NetworkSize, Scorer } from './input.ts'

/**
 * Simulated seconds that one score of one network costs. A full-size network of NAS-Bench-201 takes about as long on
 * one core.
 */
export const SECONDS_PER_SCORE = 0.3

/** Number of noise images on which networks are scored during a search. */
const BATCH = 16

/** The part of a search's context that a `Rater` needs: space, protocol, seed and oracle. */
export interface RatedSearch {
  readonly space: SearchSpace
  readonly protocol: Protocol
  readonly seed: number
  readonly oracle: Oracle
}

const registry = new Registry().register({ name: 'built in', scores: builtinScores })

/**
 * Returns the scores that a name stands for: one, or several joined by +.
 * @throws BenchError `unknown-name`, or `bad-input` for a score that reads labels, since the noise images have none
 */
export function ratingScores(name: string): readonly Score[] {
  const score = scoreNamed(registry, name)
  const single = isRankScore(score) ? score.parts.map((part) => registry.score(part) as Score) : [score]
  const labelled = single.find(({ reads }) => reads === 'labels')
  if (labelled === undefined) return single
  const remedy = 'use one that reads none (`bench list scores`)'
  throw new BenchError('bad-input', `${labelled.name} reads labels, and searches score on images of noise; ${remedy}`)
}

/** Returns the size of the networks that a search scores: the protocol's, on images of the benchmark's size. */
export function ratedSize({ space, protocol }: Pick<RatedSearch, 'space' | 'protocol'>): NetworkSize {
  const { channels, depth } = protocol.network
  const [dataset] = Object.keys(protocol.headline)
  const evaluation = space.evaluations?.[dataset ?? ''] ?? Object.values(space.evaluations ?? {})[0]
  const side = protocol.data.imageSize ?? evaluation?.shape.height ?? 32
  const shape = { height: side, width: side, channels: 3, classes: evaluation?.shape.classes ?? 10 }
  return { channels, depth, shape }
}

/** Scores architectures during a search. Scores of which lower values are better are negated. */
export class Rater {
  readonly scores: readonly Score[]
  readonly #search: RatedSearch
  #scorer: Promise<Scorer> | undefined
  #rated = 0

  constructor(search: RatedSearch, scores: readonly Score[]) {
    this.#search = search
    this.scores = scores
  }

  /** Number of networks that were scored. */
  get rated(): number {
    return this.#rated
  }

  /**
   * Scores an architecture and charges the cost to the simulated clock.
   * @returns one number for each score, higher for better architectures; undefined if the search budget does not
   * suffice
   */
  async rate(genotype: Genotype): Promise<number[] | undefined> {
    const { space, oracle } = this.#search
    if (!oracle.charge(this.scores.length * SECONDS_PER_SCORE)) return undefined
    this.#rated++
    this.#scorer ??= this.#open()
    await oneTurn()
    const values = await (await this.#scorer).score(this.scores, (size) => space.network(genotype, size))
    return values.map((value, i) => (this.scores[i].better === 'lower' ? -value : value))
  }

  async #open(): Promise<Scorer> {
    const { seed } = this.#search
    const size = ratedSize(this.#search)
    const executor = await deterministicExecutor()
    const batch = gaussianBatch(size.shape, BATCH, random(seed, 'score', 'images', 0))
    return new Scorer({ executor, size, batchSize: BATCH, initialisation: 'uniform', seed, batch: () => batch })
  }
}

/**
 * Lets the event loop take one turn. Scoring alone never does, so that a worker process would report no progress and not
 * notice that the command that started it has ended.
 */
export const oneTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Opens an executor whose results are bit-identical on every machine. */
export const deterministicExecutor = (): Promise<Executor> =>
  openExecutor({ backend: 'auto', deterministic: true, threads: 1 })

/** Returns for each of several architectures the sum of its ranks in all scores; rank 1 is the worst. */
export function rankSums(ratings: readonly (readonly number[])[]): number[] {
  const sums = new Array<number>(ratings.length).fill(0)
  for (const score of (ratings[0] ?? []).keys()) {
    midRanks(ratings.map((values) => values[score])).forEach((rank, i) => {
      sums[i] += rank
    })
  }
  return sums
}
