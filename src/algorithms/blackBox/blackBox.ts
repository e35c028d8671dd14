/**
 * Black-box search: ask for the validation accuracy of one architecture after the other, and answer the best seen after
 * the longest training that was asked for. An evaluation that would overshoot the budget is not made, and ends the search
 * (NATS-Bench's protocol, §5.1).
 */
import type { PlannedSearch, Search, SearchContext } from '../../core/algorithm.ts'
import { BenchError } from '../../core/errors.ts'
import type { Oracle } from '../../core/evaluation.ts'
import type { Genotype } from '../../core/space.ts'
import { optionalCount } from '../options.ts'

/** How many evaluations a search without a budget makes, unless told. */
export const DEFAULT_EVALUATIONS = 100

/** The option that every black-box search has. */
export const evaluations = optionalCount(
  `most evaluations; default: no limit under a budget, ${DEFAULT_EVALUATIONS} without one`,
)

/**
 * @param least evaluations from which on the search is more than a random one; @param why in words, after "with fewer"
 * @throws BenchError where nothing answers, or `bad-input` where the limit of evaluations is below that
 */
export function checkEvaluations(
  name: string,
  { budgetSeconds, fidelities }: PlannedSearch,
  limit: number | undefined,
  { least, why }: { readonly least: number; readonly why: string },
): void {
  fidelities()
  const most = limit ?? (budgetSeconds === undefined ? DEFAULT_EVALUATIONS : Number.POSITIVE_INFINITY)
  if (most >= least) return
  const found = limit === undefined ? `${most} evaluations (without a budget)` : `evaluations=${limit}`
  throw new BenchError('bad-input', `${name}: ${found}, and with fewer than ${least} ${why}; give at least ${least}`)
}

/** Validation accuracy in %, or undefined where the search is over. @param epochs as `Oracle.query` */
export type Ask = (genotype: Genotype, epochs?: number) => Promise<number | undefined>

/** Asks for proposals until it hears undefined. */
export type Explore = (proposal: () => Genotype, ask: Ask) => Promise<void>

/** One proposal after the other, each after the usual training. */
export const oneByOne: Explore = async (proposal, ask) => {
  while ((await ask(proposal())) !== undefined);
}

/**
 * A search in one epoch: `explore` asks until it hears undefined, or has seen enough.
 * @param limit most evaluations; see `evaluations`
 */
export function blackBoxSearch(
  { space, oracle }: SearchContext,
  limit: number | undefined,
  explore: (ask: Ask) => Promise<void>,
): Search {
  const most = limit ?? (Number.isFinite(oracle.budgetSeconds) ? Number.POSITIVE_INFINITY : DEFAULT_EVALUATIONS)
  let answer: Genotype | undefined
  let bestPct = Number.NEGATIVE_INFINITY
  let longest = 0
  let asked = 0
  const ask: Ask = async (genotype, epochs) => {
    if (asked >= most) return undefined
    const reply = await oracle.query(genotype, epochs)
    if (reply === undefined) return undefined
    asked++
    const { accuracyPct } = reply
    const length = epochs ?? longest
    if (length > longest || (length === longest && accuracyPct > bestPct)) {
      longest = length
      bestPct = accuracyPct
      answer = genotype
    }
    return accuracyPct
  }
  const genotype = () => {
    if (answer === undefined) throw tooSmall(oracle.budgetSeconds)
    return answer
  }
  return {
    epochs: 1,
    ...(Number.isFinite(most) && { evaluations: most }),
    async epoch() {
      await explore(ask)
      genotype()
      return { validAccuracyPct: bestPct, extra: extraOf(asked, oracle) }
    },
    genotype,
    save: async () => (answer === undefined ? {} : { answer: space.format(answer) }),
    restore(state) {
      if (typeof state.answer === 'string') answer = space.parse(state.answer)
    },
    dispose() {},
  }
}

const tooSmall = (seconds: number) =>
  new BenchError('bad-input', `a budget of ${seconds} s does not pay for a single evaluation; raise the budget`)

/** How many evaluations were made, and what was left of a budget when it was over. */
function extraOf(evaluations: number, { budgetSeconds, usedSeconds }: Oracle): Record<string, number> {
  return Number.isFinite(budgetSeconds)
    ? { evaluations, budgetLeftSeconds: budgetSeconds - usedSeconds }
    : { evaluations }
}
