/**
 * Code that searches by training-free scores share: their options, the ranking of random architectures, and the single
 * epoch.
 */
import { z } from 'zod'
import { type Rater, rankSums, ratingScores } from '../../analysis/scores/rating.ts'
import type { Search, SearchContext } from '../../core/algorithm.ts'
import { BenchError } from '../../core/errors.ts'
import type { RandomStream } from '../../core/random.ts'
import { type Genotype, sample } from '../../core/space.ts'

/** Settings of the protocol that decide on the networks that searches by scores build. */
export const SIZE_SETTINGS: readonly string[] = ['network.channels', 'network.depth', 'data.imageSize']

/** Makes the schema of an option that names a score, or several joined by +, whose ranks are then added. */
export const scoreName = (usual: string, description: string) =>
  z.string().default(usual).describe(description).superRefine(checkScoreName)

/** Makes the schema of an option that may be absent and that names a score, or several joined by +. */
export const optionalScoreName = (description: string) =>
  z.string().optional().describe(description).superRefine(checkScoreName)

function checkScoreName(name: string | undefined, context: z.RefinementCtx): void {
  try {
    if (name !== undefined) ratingScores(name)
  } catch (error) {
    if (!(error instanceof BenchError)) throw error
    context.addIssue({ code: 'custom', message: error.message })
  }
}

/**
 * Scores random architectures, at most `networks`, until the budget is spent, and returns them, best first; ties stay
 * in the order of sampling.
 */
export async function bestByScore(
  { space }: SearchContext,
  rater: Rater,
  networks: number,
  stream: RandomStream,
): Promise<Genotype[]> {
  const found: { readonly genotype: Genotype; readonly ratings: readonly number[] }[] = []
  while (found.length < networks) {
    const genotype = sample(space, stream)
    const ratings = await rater.rate(genotype)
    if (ratings === undefined) break
    found.push({ genotype, ratings })
  }
  const sums = rankSums(found.map(({ ratings }) => ratings))
  return [...found.keys()].sort((a, b) => sums[b] - sums[a] || a - b).map((i) => found[i].genotype)
}

/** Result of the exploration: the architecture to answer with, and how many networks were scored. */
export interface Explored {
  readonly answer: Genotype | undefined
  /** Number of networks that were scored. */
  readonly scored: number
  /** Validation accuracy of the answer in %, if the search asked for it. */
  readonly validAccuracyPct?: number
}

/** Makes a search of one epoch that scores networks. Its report says how many, and how much simulated time it took. */
export function scoredSearch({ space, oracle }: SearchContext, explore: () => Promise<Explored>): Search {
  let answer: Genotype | undefined
  const genotype = () => {
    if (answer !== undefined) return answer
    const found = `a budget of ${oracle.budgetSeconds} s does not pay for scoring a network`
    throw new BenchError('bad-input', `${found}; raise the budget`)
  }
  return {
    epochs: 1,
    async epoch() {
      const found = await explore()
      answer = found.answer
      genotype()
      return {
        ...(found.validAccuracyPct !== undefined && { validAccuracyPct: found.validAccuracyPct }),
        extra: { scored: found.scored, usedSeconds: oracle.usedSeconds },
      }
    },
    genotype,
    save: async () => (answer === undefined ? {} : { answer: space.format(answer) }),
    restore(state) {
      if (typeof state.answer === 'string') answer = space.parse(state.answer)
    },
    dispose() {},
  }
}
