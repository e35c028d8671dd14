/**
 * Searches by training-free scores of random architectures. `score-search` answers with the best by a score (Mellor et
 * al.: "Neural Architecture Search without Training", ICML 2021, algorithm 1, with the score `naswot`). `knas` ranks by
 * the mean of the Gram matrix of gradients, asks for the validation accuracies of the best few, and answers with the
 * best of these (Xu et al.: "KNAS: Green Neural Architecture Search", ICML 2021).
 *
 * Networks have the protocol's size and see images of noise (`analysis/scores/rating.ts`); each costs 0.3 simulated
 * seconds a score. KNAS' paper takes the gradients on images of the dataset; here they are gradients of the summed
 * logits on noise, which needs neither images nor labels.
 */
import { z } from 'zod'
import { Rater, ratingScores } from '../analysis/scores/rating.ts'
import { defineAlgorithm, type PlannedSearch, type Search, type SearchContext } from '../core/algorithm.ts'
import { BenchError } from '../core/errors.ts'
import { count } from './shared/options.ts'
import { bestByScore, SIZE_SETTINGS, scoredSearch, scoreName } from './shared/scoredSearch.ts'

interface ScoreSearchOptions {
  readonly score: string
  readonly networks: number
  readonly verify: number
}

/**
 * Makes a search that ranks random architectures by a score. Of the best `verify` of them it queries the validation
 * accuracies and answers with the most accurate; with `verify` 0, it answers with the best by score.
 */
function searchByScore(context: SearchContext, { score, networks, verify }: ScoreSearchOptions): Search {
  const rater = new Rater(context, ratingScores(score))
  return scoredSearch(context, async () => {
    const ranked = await bestByScore(context, rater, networks, context.random('sample'))
    let best: { readonly answer: (typeof ranked)[number]; readonly validAccuracyPct: number } | undefined
    for (const genotype of ranked.slice(0, verify)) {
      const reply = await context.oracle.query(genotype)
      if (reply === undefined) break
      const { accuracyPct } = reply
      if (best === undefined || accuracyPct > best.validAccuracyPct) {
        best = { answer: genotype, validAccuracyPct: accuracyPct }
      }
    }
    return { scored: rater.rated, ...(best ?? { answer: ranked[0] }) }
  })
}

function check(name: string, { fidelities }: PlannedSearch, { networks, verify }: Omit<ScoreSearchOptions, 'score'>) {
  if (verify > networks) {
    throw new BenchError('bad-input', `${name}: verify=${verify} of networks=${networks}; verify at most as many`)
  }
  if (verify > 0) fidelities()
}

/** The algorithm `score-search`: the best of N random architectures by a training-free score. */
export const scoreSearch = defineAlgorithm({
  name: 'score-search',
  version: 1,
  description: 'Best of N random architectures by a training-free score',
  source: 'Mellor et al., "Neural Architecture Search without Training", ICML 2021',
  look: { colour: 'olive', dash: 'dotted', marker: 'triangle' },
  kind: 'black-box',
  reads: SIZE_SETTINGS,
  options: z.strictObject({
    score: scoreName('naswot', 'score, or several joined by +, whose ranks are added'),
    networks: count(100, 'N, architectures to score'),
    verify: count(0, 'best architectures whose validation accuracies are asked for; 0: none', 0),
  }),
  check: (planned, options) => check('score-search', planned, options),
  search: async (context, options) => searchByScore(context, options),
})

/** The algorithm `knas`: the best validation accuracy among the architectures with the largest gradient kernels. */
export const knas = defineAlgorithm({
  name: 'knas',
  version: 1,
  description: 'Asks for the accuracies of the few architectures with the largest gradient kernels',
  source: 'Xu et al., "KNAS: Green Neural Architecture Search", ICML 2021',
  look: { colour: 'olive', dash: 'solid', marker: 'rect' },
  kind: 'black-box',
  reads: SIZE_SETTINGS,
  options: z.strictObject({
    networks: count(100, 'architectures to rank by the mean of their Gram matrix'),
    verify: count(20, 'k, best architectures whose validation accuracies are asked for'),
  }),
  check: (planned, options) => check('knas', planned, options),
  search: async (context, options) => searchByScore(context, { score: 'mgm-outputs', ...options }),
})
