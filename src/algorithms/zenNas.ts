/**
 * Zen-NAS (Lin et al.: "Zen-NAS: A Zero-Shot NAS for High-Performance Image Recognition", ICCV 2021, algorithm 1):
 * evolution that maximises the Zen-score under a budget of parameters or multiply-accumulates. A random member of the
 * population is mutated; a child within the budget is scored and joins; the worst leaves when there are more than P.
 *
 * The paper has P = 512 and 480,000 children, for spaces of far more networks; our defaults suit spaces of cells.
 * Parameters and multiply-accumulates are those of the benchmark's full-size network. The authors say that the score
 * has no theory for networks with skip connections inside of cells, which all spaces here have. Algorithm files have at
 * most 120 lines; this one is longer because of the budget and the message about one that no architecture keeps.
 */
import { z } from 'zod'
import { Rater, ratingScores } from '../analysis/scores/rating.ts'
import { defineAlgorithm, type SearchContext } from '../core/algorithm.ts'
import { BenchError } from '../core/errors.ts'
import { macCount, parameterCount } from '../core/network.ts'
import { type Genotype, mutate, type SearchSpace, sample } from '../core/space.ts'
import { count, optionalNumber } from './shared/options.ts'
import { SIZE_SETTINGS, scoredSearch, scoreName } from './shared/scoredSearch.ts'

/** Limits on parameters and on multiply-accumulates of the full-size network, in millions; absent: no limit. */
interface SizeLimits {
  readonly maxParams?: number
  readonly maxFlops?: number
}

/** A scored member of the population. */
interface Member {
  readonly genotype: Genotype
  readonly score: number
}

/** Number of proposals in a row outside the limits after which the limits are reported as too tight. */
const MOST_DRAWS = 10_000

/** Keeps the limits of the full-size network, and the smallest sizes of the architectures that it was asked about. */
class SizeCheck {
  readonly #space: SearchSpace
  readonly #given: readonly ((typeof LIMITED)[number] & { readonly most: number })[]
  readonly #smallest = { maxParams: Number.POSITIVE_INFINITY, maxFlops: Number.POSITIVE_INFINITY }

  constructor(space: SearchSpace, limits: SizeLimits) {
    this.#space = space
    this.#given = LIMITED.flatMap((limited) => {
      const most = limits[limited.limit]
      return most === undefined ? [] : [{ ...limited, most }]
    })
  }

  /** Tells whether an architecture's full-size network is within the limits. */
  isWithin(genotype: Genotype): boolean {
    const [size] = Object.values(this.#space.evaluations ?? {})
    if (size === undefined || this.#given.length === 0) return true
    const network = this.#space.network(genotype, size)
    const fitting = this.#given.filter(({ limit, measure, most }) => {
      const millions = measure(network) / 1e6
      this.#smallest[limit] = Math.min(this.#smallest[limit], millions)
      return millions <= most
    })
    return fitting.length === this.#given.length
  }

  /** Returns the error that no architecture is within the limits; it names the smallest sizes that were found. */
  tooTight(): BenchError {
    const found = this.#given.map(({ limit, most }) => `${limit}=${most}`).join(' and ')
    const least = this.#given
      .map(({ limit, what }) => `${this.#smallest[limit].toPrecision(3)} million ${what}`)
      .join(' and ')
    const why = `zen-nas: of ${MOST_DRAWS} architectures none has ${found}`
    return new BenchError('bad-input', `${why}; the smallest have ${least}: give more`)
  }
}

/** The limits, with what they limit. */
const LIMITED = [
  { limit: 'maxParams', what: 'parameters', measure: parameterCount },
  { limit: 'maxFlops', what: 'multiply-accumulates', measure: macCount },
] as const

/** The algorithm `zen-nas`: evolution on the Zen-score under limits on parameters or multiply-accumulates. */
export const zenNas = defineAlgorithm({
  name: 'zen-nas',
  version: 1,
  description: 'Evolution on the Zen-score within limits on parameters or FLOPs',
  source: 'Lin et al., "Zen-NAS: A Zero-Shot NAS for High-Performance Image Recognition", ICCV 2021',
  look: { colour: 'sky', dash: 'dashed', marker: 'rectRot' },
  kind: 'black-box',
  reads: SIZE_SETTINGS,
  options: z.strictObject({
    score: scoreName('zen', 'score that is maximised'),
    networks: count(300, 'architectures to score'),
    population: count(32, 'P, members of the population'),
    maxParams: optionalNumber('most parameters of the full-size network, in millions; default: no limit', 0),
    maxFlops: optionalNumber('most multiply-accumulates of the full-size network, in millions; default: no limit', 0),
  }),
  check({ space }, { score, networks, population, maxParams, maxFlops }) {
    const fail = (why: string) => {
      throw new BenchError('bad-input', `zen-nas: ${why}`)
    }
    if (ratingScores(score).length > 1)
      fail(`score=${score} combines ranks, which change with the population; name one`)
    if (networks <= population) fail(`networks=${networks} are the first population of ${population}; give more`)
    if (space.evaluations === undefined && (maxParams ?? maxFlops) !== undefined) {
      fail(`${space.name} does not say how large its networks are; leave maxParams and maxFlops out`)
    }
  },
  async search(context, options) {
    const rater = new Rater(context, ratingScores(options.score))
    return scoredSearch(context, async () => {
      let best: Member | undefined
      for await (const member of evolve(context, rater, options)) {
        if (best === undefined || member.score > best.score) best = member
      }
      return { answer: best?.genotype, scored: rater.rated }
    })
  },
})

/** Yields the architectures that the evolution scores, until `networks` are scored or the time budget is spent. */
async function* evolve(
  { space, random }: SearchContext,
  rater: Rater,
  { networks, population: most, ...limits }: SizeLimits & { readonly networks: number; readonly population: number },
): AsyncGenerator<Member> {
  const stream = random('evolution')
  const population: Member[] = []
  const sizes = new SizeCheck(space, limits)
  const propose = () =>
    population.length < most ? sample(space, stream) : mutate(space, stream.choice(population).genotype, stream)
  while (rater.rated < networks) {
    let genotype = propose()
    for (let draws = 1; !sizes.isWithin(genotype); draws++) {
      if (draws === MOST_DRAWS) throw sizes.tooTight()
      genotype = propose()
    }
    const ratings = await rater.rate(genotype)
    if (ratings === undefined) return
    const member = { genotype, score: ratings[0] }
    population.push(member)
    if (population.length > most) {
      const worst = population.reduce((low, { score }, i) => (score < population[low].score ? i : low), 0)
      population.splice(worst, 1)
    }
    yield member
  }
}
