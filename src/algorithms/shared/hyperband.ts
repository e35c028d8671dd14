/**
 * Hyperband (Li, Jamieson, DeSalvo, Rostamizadeh, Talwalkar: "Hyperband: A Novel Bandit-Based Approach to
 * Hyperparameter Optimization", JMLR 2018, algorithm 1): brackets of successive halving. A bracket trains n
 * architectures for few epochs, then the best 1/η of them for η times as many epochs, and so on up to the largest
 * number of epochs. A rung is one step of a bracket: all its remaining architectures trained equally long. Bracket s =
 * s_max, …, 0 has s rungs after its first.
 *
 *     n = ⌈(s_max + 1) / (s + 1) · η^s⌉,   s_max + 1 different training lengths
 *
 * Difference from the paper: a rung is the longest training length in the table that does not exceed the length that η
 * gives.
 */
import { integerPower } from '../../core/numbers.ts'
import type { Genotype } from '../../core/space.ts'
import type { Ask, Explore } from './blackBox.ts'

/** One bracket of Hyperband: a run of successive halving. */
export interface Bracket {
  /** Number of architectures that the bracket trains on its first rung. */
  readonly begin: number
  /** Number of training epochs of each rung of the bracket, ascending. */
  readonly rungs: readonly number[]
}

/**
 * Returns the number of training epochs of each rung of the longest bracket, ascending.
 * @param fidelities training lengths that the oracle can answer for, ascending
 * @param least smallest number of epochs of a rung
 * @param most largest number of epochs of a rung
 */
export function rungsOf(fidelities: readonly number[], eta: number, least: number, most: number): readonly number[] {
  const usable = fidelities.filter((epochs) => epochs >= least && epochs <= most)
  const [shortest = 0, longest = 0] = [usable[0], usable[usable.length - 1]]
  const rungs = new Set<number>()
  for (let asked = longest; asked >= shortest && asked > 0; asked /= eta) {
    rungs.add(usable.findLast((epochs) => epochs <= asked) ?? shortest)
  }
  return [...rungs].reverse()
}

/**
 * Yields Hyperband's brackets forever: from the one that begins with the shortest training to the one that only trains
 * in full, then the same again.
 */
export function* brackets(rungs: readonly number[], eta: number): Generator<Bracket, never> {
  const most = rungs.length - 1
  for (;;) {
    for (let s = most; s >= 0; s--) {
      // A power of η that should be whole may come out a little above it.
      const begin = Math.ceil(((most + 1) / (s + 1)) * integerPower(eta, s) - 1e-9)
      yield { begin, rungs: rungs.slice(most - s) }
    }
  }
}

/** The strategy of Hyperband: runs one bracket after the other. @param rungs training epochs of the rungs, ascending */
export const halvings =
  (rungs: readonly number[], eta: number): Explore =>
  async (proposal, ask) => {
    for (const bracket of brackets(rungs, eta)) if (!(await halved(bracket, eta, proposal, ask))) return
  }

/** Runs one bracket of successive halving. @returns false if the budget was used up within the bracket */
async function halved({ begin, rungs }: Bracket, eta: number, proposal: () => Genotype, ask: Ask): Promise<boolean> {
  let waiting = begin
  let best: readonly Genotype[] = []
  for (const epochs of rungs) {
    const tried: Tried[] = []
    for (let i = 0; i < waiting; i++) {
      const genotype = best[i] ?? proposal()
      const accuracyPct = await ask(genotype, epochs)
      if (accuracyPct === undefined) return false
      tried.push({ genotype, accuracyPct })
    }
    best = promoted(tried, eta)
    waiting = best.length
  }
  return true
}

/** An architecture with its validation accuracy after the training of the current rung. */
interface Tried {
  readonly genotype: Genotype
  readonly accuracyPct: number
}

/** Returns the most accurate 1/η of a rung's architectures, at least one, for the next rung. */
function promoted(tried: readonly Tried[], eta: number): readonly Genotype[] {
  const best = [...tried].sort((a, b) => b.accuracyPct - a.accuracyPct)
  return best.slice(0, Math.max(1, Math.floor(tried.length / eta + 1e-9))).map(({ genotype }) => genotype)
}
