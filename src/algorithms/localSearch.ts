/**
 * Local search (White, Nolen, Savani: "Exploring the Loss Landscape in Neural Architecture Search", UAI 2021): starts
 * from a random architecture and moves to the best of its neighbours (one decision changed) as long as that neighbour
 * is better; then restarts from a new random architecture. No architecture is evaluated twice. Neighbours are evaluated
 * in random order, so that a budget that ends within a neighbourhood favours none of them.
 */
import { z } from 'zod'
import { defineAlgorithm } from '../core/algorithm.ts'
import type { RandomStream } from '../core/random.ts'
import { type Genotype, neighbours, type SearchSpace, sample } from '../core/space.ts'
import { type Ask, blackBoxSearch, checkEvaluations, evaluations } from './shared/blackBox.ts'

/** An architecture that local search has evaluated, with its validation accuracy. */
interface Place {
  readonly genotype: Genotype
  readonly accuracyPct: number
}

/**
 * Evaluates the given architectures and returns the most accurate; undefined if the budget is spent before the last.
 */
async function best(genotypes: Iterable<Genotype>, ask: Ask): Promise<Place | undefined> {
  let top: Place | undefined
  for (const genotype of genotypes) {
    const accuracyPct = await ask(genotype)
    if (accuracyPct === undefined) return undefined
    if (top === undefined || accuracyPct > top.accuracyPct) top = { genotype, accuracyPct }
  }
  return top
}

/**
 * Moves from a start to ever better neighbours until a local optimum. → false if the budget is spent before the optimum
 * is found
 */
async function climb(space: SearchSpace, start: Genotype, ask: Ask, stream: RandomStream): Promise<boolean> {
  let here = await best([start], ask)
  while (here !== undefined) {
    const next = await best(shuffled(neighbours(space, here.genotype), stream), ask)
    if (next !== undefined && next.accuracyPct <= here.accuracyPct) return true
    here = next
  }
  return false
}

const shuffled = <T>(items: readonly T[], stream: RandomStream): T[] =>
  Array.from(stream.permutation(items.length), (at) => items[at])

/**
 * Wraps `ask` so that it remembers accuracies and evaluates no architecture twice; ends the search once all are known.
 */
function remembering(ask: Ask, space: SearchSpace): Ask {
  const answers = new Map<string, number>()
  const all = space.encoding.cardinalities.reduce((product, n) => product * n, 1)
  return async (genotype) => {
    if (answers.size === all) return undefined
    const key = space.format(genotype)
    const accuracyPct = answers.get(key) ?? (await ask(genotype))
    if (accuracyPct !== undefined) answers.set(key, accuracyPct)
    return accuracyPct
  }
}

/** The algorithm `local-search`: moves to the best neighbour until a local optimum, then restarts. */
export const localSearch = defineAlgorithm({
  name: 'local-search',
  version: 1,
  description: 'Hill climbing over single changes, restarted at random in each local optimum',
  source: 'White et al., "Exploring the Loss Landscape in Neural Architecture Search", UAI 2021',
  look: { colour: 'green', dash: 'dashDotted', marker: 'circle' },
  kind: 'black-box',
  options: z.strictObject({ evaluations }),
  check(planned, { evaluations }) {
    checkEvaluations('local-search', planned, evaluations, { least: 2, why: 'no neighbour is tried' })
  },
  async search(context, options) {
    const { space } = context
    const stream = context.random('local search')
    return blackBoxSearch(context, options.evaluations, async (ask) => {
      const once = remembering(ask, space)
      while (await climb(space, sample(space, stream), once, stream));
    })
  },
})
