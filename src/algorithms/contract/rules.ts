/**
 * The rules of the contract suite for algorithms. A rule is a promise that every algorithm keeps, as "the same seed
 * gives the same result"; it compares recorded runs of a search and describes what breaks the promise.
 */
import { inspect, isDeepStrictEqual } from 'node:util'
import type { Algorithm } from '../../core/algorithm.ts'
import { BenchError } from '../../core/errors.ts'
import { pluralize } from '../../core/plainText.ts'
import type { SearchSpace } from '../../core/space.ts'
import { EPOCHS, type Observation } from './observation.ts'
import { epochsProblem, firstNotFinite } from './shape.ts'
import { BUDGET_SECONDS } from './tinyTask.ts'

/**
 * Records of four runs of one search: with seed 0, again with seed 0, saved and restored between epochs, with seed 1.
 */
export interface Observations {
  readonly algorithm: Algorithm
  readonly space: SearchSpace
  readonly whole: Observation
  readonly again: Observation
  readonly interrupted: Observation
  readonly otherSeed: Observation
}

/** A rule of the contract suite: a promise that every algorithm keeps. */
export interface Rule {
  readonly name: string
  /** Whether the rule also applies to searches that are external programs. Absent: true. */
  readonly forPrograms?: boolean
  /** Describes what the recorded runs show against this rule; undefined if the algorithm keeps it. */
  broken(observations: Observations): string | undefined
}

/** All rules for algorithms, in the order in which `bench check plugin` prints them. */
export const rules: readonly Rule[] = [
  {
    name: 'the same seed gives the same result',
    broken: ({ whole, again }) => difference(whole, again),
  },
  {
    name: 'different seeds differ',
    broken({ algorithm, whole, otherSeed }) {
      if (algorithm.kind === 'reference') return undefined
      return difference(whole, otherSeed) === undefined ? 'seeds 0 and 1 gave the same reports and answers' : undefined
    },
  },
  {
    name: 'saved and restored between epochs, it ends the same',
    broken: ({ whole, interrupted }) => difference(whole, interrupted),
  },
  {
    name: 'it asks for nothing but what a search may see',
    broken: ({ whole }) =>
      whole.unknownKeys.length === 0 ? undefined : `it asked its context for ${whole.unknownKeys.join(', ')}`,
  },
  {
    name: 'it keeps within its epochs',
    broken({ algorithm, whole: { epochs } }) {
      const problem = epochsProblem(epochs)
      if (problem !== undefined) return problem
      if (algorithm.kind !== 'supernet' || epochs <= EPOCHS) return undefined
      return `it takes ${pluralize(epochs, 'epoch')} where the protocol has ${EPOCHS}`
    },
  },
  {
    name: 'it keeps within the budget',
    broken({ whole: { usedSeconds, queriesAfterRefusal } }) {
      if (usedSeconds > BUDGET_SECONDS) return `${usedSeconds} s of ${BUDGET_SECONDS} s were spent`
      return queriesAfterRefusal === 0
        ? undefined
        : `it asked ${pluralize(queriesAfterRefusal, 'time')} more after the budget was spent`
    },
  },
  {
    name: 'the numbers of an epoch are finite',
    broken({ whole }) {
      const found = whole.reports.map(firstNotFinite)
      const epoch = found.findIndex((number) => number !== undefined)
      return found[epoch] && `${found[epoch][0]} of epoch ${epoch} is ${inspect(found[epoch][1])}`
    },
  },
  {
    name: 'its answers are architectures of the space',
    broken: ({ space, whole }) =>
      whole.genotypes.map((text) => invalid(space, text)).find((seen) => seen !== undefined),
  },
  {
    forPrograms: false,
    name: 'mixing weights are not negative and sum to 1 on each edge that is computed',
    broken: ({ whole }) => whole.badMixing,
  },
  {
    forPrograms: false,
    name: 'it awaits each call of the search network before the next',
    broken: ({ whole }) => whole.overlap,
  },
  {
    forPrograms: false,
    name: 'it leaves nothing on the backend, neither after an epoch nor at its end',
    broken({ whole: { heldAfterEpoch, heldAtEnd } }) {
      const kept = heldAfterEpoch.at(-1) ?? 0
      if (kept > (heldAfterEpoch[0] ?? 0))
        return `${heldAfterEpoch.join(', then ')} vectors and activation masks after the epochs`
      return heldAtEnd && `${heldAtEnd} after dispose()`
    },
  },
]

/** The rule that applies only to searches that are external programs. */
export const programRule: Rule = {
  name: 'it ends, with all processes that it started, when its input closes',
  broken: ({ interrupted }) => interrupted.afterClosedInput,
}

/** Describes the first difference between the records of two runs of a search; undefined if they are equal. */
export function difference(a: Observation, b: Observation): string | undefined {
  if (a.epochs !== b.epochs) return `${pluralize(a.epochs, 'epoch')}, then ${b.epochs}`
  const query = a.asked.findIndex((text, i) => text !== b.asked[i])
  if (query !== -1) return `query ${query + 1} was ${a.asked[query]}, then ${b.asked[query] ?? 'none'}`
  for (let epoch = 0; epoch < a.epochs; epoch++) {
    if (a.genotypes[epoch] !== b.genotypes[epoch]) {
      return `after epoch ${epoch} it answered ${a.genotypes[epoch]}, then ${b.genotypes[epoch]}`
    }
    const field = differentField(a, b, epoch)
    if (field !== undefined) return `${field} of epoch ${epoch} differs`
  }
  return undefined
}

/** The name of the first field in which two runs' reports of one epoch differ; undefined if they are equal. */
function differentField(a: Observation, b: Observation, epoch: number): string | undefined {
  const [one, other]: Record<string, unknown>[] = [{ ...a.reports[epoch] }, { ...b.reports[epoch] }]
  const fields = new Set([...Object.keys(one), ...Object.keys(other)])
  return [...fields].find((field) => !isDeepStrictEqual(one[field], other[field]))
}

/** Describes why a text is not an architecture string of the search space; undefined if it is one. */
function invalid(space: SearchSpace, text: string): string | undefined {
  try {
    const again = space.format(space.parse(text))
    return again === text ? undefined : `${text} is read as ${again}`
  } catch (error) {
    if (error instanceof BenchError) return error.message
    throw error
  }
}
