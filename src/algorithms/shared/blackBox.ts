/**
 * The loop that black-box searches share: ask the oracle for the validation accuracy of one architecture after the
 * other, and answer with the best architecture among those with the longest training. An evaluation that would exceed
 * the time budget is not made and ends the search (NATS-Bench, §5.1).
 */
import type { PlannedSearch, Search, SearchContext } from '../../core/algorithm.ts'
import { BenchError } from '../../core/errors.ts'
import type { Oracle } from '../../core/evaluation.ts'
import { pluralize } from '../../core/plainText.ts'
import type { Genotype } from '../../core/space.ts'
import { optionalCount } from './options.ts'

/**
 * Number of architectures that a black-box search evaluates without a time budget and without the option `evaluations`.
 */
const DEFAULT_EVALUATIONS = 100

/**
 * Schema of the option `evaluations` of every black-box search: the largest number of architectures it may evaluate.
 */
export const evaluations = optionalCount(
  `most evaluations; default: no limit under a budget, ${DEFAULT_EVALUATIONS} without one`,
)

/**
 * Returns the largest number of evaluations of a black-box search.
 * @param limit the option `evaluations`; undefined: no limit under a budget, else 100
 * @param budgetSeconds budget in simulated seconds; undefined or Infinity: none
 */
export const mostEvaluations = (limit: number | undefined, budgetSeconds = Number.POSITIVE_INFINITY): number =>
  limit ?? (Number.isFinite(budgetSeconds) ? Number.POSITIVE_INFINITY : DEFAULT_EVALUATIONS)

/**
 * Checks, before a black-box search runs, that the oracle can answer and that the search makes enough evaluations to
 * differ from random search.
 * @param limit the option `evaluations`
 * @param least the smallest number of evaluations that is allowed
 * @param why what happens with fewer evaluations, as the words after "with fewer than … "
 * @throws BenchError if no table answers, or `bad-input` if the limit is below `least`
 */
export function checkEvaluations(
  name: string,
  { budgetSeconds, fidelities }: PlannedSearch,
  limit: number | undefined,
  { least, why }: { readonly least: number; readonly why: string },
): void {
  fidelities()
  const most = mostEvaluations(limit, budgetSeconds)
  if (most >= least) return
  const found = limit === undefined ? `${pluralize(most, 'evaluation')} (without a budget)` : `evaluations=${limit}`
  throw new BenchError('bad-input', `${name}: ${found}, and with fewer than ${least} ${why}; give at least ${least}`)
}

/**
 * Queries the validation accuracy of an architecture in %. → undefined once the time budget or the number of
 * evaluations is used up.
 * @param epochs length of the training that is asked about; absent: the oracle's usual one
 */
export type Ask = (genotype: Genotype, epochs?: number) => Promise<number | undefined>

/**
 * A strategy that evaluates architectures, each once or several times, until `ask` returns undefined. `proposal`
 * returns a new one at each call.
 */
export type Explore = (proposal: () => Genotype, ask: Ask) => Promise<void>

/** Evaluates one proposed architecture after the other, each once, with the oracle's usual training length. */
export const oneByOne: Explore = async (proposal, ask) => {
  while ((await ask(proposal())) !== undefined);
}

/**
 * Makes a black-box search of a single epoch, in which `explore` evaluates architectures until `ask` returns undefined
 * or `explore` returns.
 * @param limit largest number of evaluations; undefined: no limit under a budget, else 100
 */
export function blackBoxSearch(
  { space, oracle }: SearchContext,
  limit: number | undefined,
  explore: (ask: Ask) => Promise<void>,
): Search {
  const most = mostEvaluations(limit, oracle.budgetSeconds)
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

/** The error for a time budget that is too small to evaluate a single architecture. */
export const tooSmall = (seconds: number) =>
  new BenchError('bad-input', `a budget of ${seconds} s does not pay for a single evaluation; raise the budget`)

/**
 * Extra numbers of a black-box search's report: architectures evaluated, and seconds left of the time budget if any.
 */
export function extraOf(evaluations: number, { budgetSeconds, usedSeconds }: Oracle): Record<string, number> {
  return Number.isFinite(budgetSeconds)
    ? { evaluations, budgetLeftSeconds: budgetSeconds - usedSeconds }
    : { evaluations }
}

/** Makes a search that only answers a given architecture: for `random` with a single evaluation, and for references. */
export const fixed = (genotype: Genotype): Search => ({
  epochs: 1,
  epoch: async () => ({}),
  genotype: () => genotype,
  save: async () => ({}),
  restore() {},
  dispose() {},
})
