/**
 * Regularised (ageing) evolution (Real, Aggarwal, Huang, Le: "Regularized Evolution for Image Classifier Architecture
 * Search", AAAI 2019, algorithm 1). In every cycle, S individuals are sampled from the population with replacement, the
 * best of them produces a child with one decision changed, and the oldest individual is removed.
 *
 * The population size P = 10 and the sample size S = 3 are NATS-Bench's (§5.1); P = 100 and S = 25 of Real et al. suit
 * budgets of thousands of evaluations. Every decision is equally likely to be mutated. NATS-Bench's code first samples
 * a node, then an edge into it, so that the only edge into the first node changes twice as often as here.
 */
import { z } from 'zod'
import { Rater, ratingScores } from '../analysis/scores/rating.ts'
import { defineAlgorithm, type SearchContext } from '../core/algorithm.ts'
import { BenchError } from '../core/errors.ts'
import type { RandomStream } from '../core/random.ts'
import { type Genotype, mutate, sample } from '../core/space.ts'
import { blackBoxSearch, checkEvaluations, evaluations } from './shared/blackBox.ts'
import { count, dependentOptions, optionalChoice, optionalCount } from './shared/options.ts'
import { bestByScore, optionalScoreName } from './shared/scoredSearch.ts'

/** A member of the evolved population: an architecture with its validation accuracy. */
interface Individual {
  readonly genotype: Genotype
  readonly accuracyPct: number
}

/** Samples `size` members of the population with replacement and returns the most accurate. */
function tournament(population: readonly Individual[], size: number, stream: RandomStream): Individual {
  let best = stream.choice(population)
  for (let drawn = 1; drawn < size; drawn++) {
    const candidate = stream.choice(population)
    if (candidate.accuracyPct > best.accuracyPct) best = candidate
  }
  return best
}

/** Returns the best random architectures by a score: the first population of `start=score`, best first. */
async function scoredStart(
  context: SearchContext,
  {
    population,
    startScore = 'naswot',
    startNetworks = 10 * population,
  }: { readonly population: number; readonly startScore?: string; readonly startNetworks?: number },
): Promise<Genotype[]> {
  const rater = new Rater(context, ratingScores(startScore))
  return (await bestByScore(context, rater, startNetworks, context.random('start'))).slice(0, population)
}

const options = dependentOptions(
  z.strictObject({
    population: count(10, 'P, individuals alive (NATS-Bench, §5.1)'),
    tournament: count(3, 'S, individuals of which the best is the parent (NATS-Bench, §5.1)'),
    evaluations,
    start: optionalChoice(
      ['random', 'score'],
      'first population: random (default), or the best by a score of startNetworks random architectures',
    ),
    startScore: optionalScoreName('score of that start; default: naswot'),
    startNetworks: optionalCount('architectures to score for that start; default: ten times the population', 2),
  }),
  ['startScore', 'startNetworks'],
  ({ start }) => start === 'score',
  'start=score',
)

/** The algorithm `rea`: evolves a population by tournaments and single mutations, and removes the oldest individual. */
export const regularisedEvolution = defineAlgorithm({
  name: 'rea',
  version: 1,
  description: 'Regularised evolution: tournaments, one mutation, the oldest dies',
  source: 'Real et al., "Regularized Evolution for Image Classifier Architecture Search", AAAI 2019',
  look: { colour: 'vermilion', dash: 'dotted', marker: 'rectRot' },
  kind: 'black-box',
  options,
  check(planned, { population, evaluations, startNetworks = 10 * population }) {
    if (startNetworks < population) {
      throw new BenchError('bad-input', `rea: startNetworks=${startNetworks} for ${population} individuals; give more`)
    }
    const why = `nothing evolves: ${population} are the first population`
    checkEvaluations('rea', planned, evaluations, { least: population + 1, why })
  },
  async search(context, given) {
    const { space } = context
    const stream = context.random('evolution')
    return blackBoxSearch(context, given.evaluations, async (ask) => {
      const population: Individual[] = []
      const first = given.start === 'score' ? await scoredStart(context, given) : []
      for (;;) {
        const grown = population.length === given.population
        const genotype = grown
          ? mutate(space, tournament(population, given.tournament, stream).genotype, stream)
          : (first[population.length] ?? sample(space, stream))
        const accuracyPct = await ask(genotype)
        if (accuracyPct === undefined) return
        if (grown) population.shift()
        population.push({ genotype, accuracyPct })
      }
    })
  },
})
