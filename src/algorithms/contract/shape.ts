/** Checks the values that a search returns at run time, for plugins whose authors use no type checker. */
import { inspect } from 'node:util'
import type { Algorithm, EpochReport, Search } from '../../core/algorithm.ts'
import { BenchError } from '../../core/errors.ts'
import { NotFiniteError } from '../../core/numbers.ts'
import type { Genotype, SearchSpace } from '../../core/space.ts'

const METHODS = ['epoch', 'genotype', 'save', 'restore', 'dispose'] as const

/**
 * Returns the search that an algorithm's `search` function made. @throws BenchError `bad-input` if one of its methods
 * is missing
 */
export function requireSearch(search: Partial<Search> | undefined, { name }: Algorithm): Search {
  const missing = METHODS.filter((method) => typeof search?.[method] !== 'function')
  if (missing.length === 0) return search as Search
  throw new BenchError(
    'bad-input',
    `search() of ${name} returned an object without ${missing.map((m) => `${m}()`).join(', ')}`,
  )
}

/** Describes what is wrong with a search's number of epochs; undefined if it is a positive integer. */
export const epochsProblem = (epochs: number): string | undefined =>
  Number.isInteger(epochs) && epochs >= 1 ? undefined : `epochs is ${inspect(epochs)}, not a positive integer`

/** Returns the record of an epoch. @throws BenchError `bad-input` if it is not an object */
export function requireReport(report: EpochReport | undefined): EpochReport {
  if (typeof report === 'object' && report !== null) return report
  throw new BenchError(
    'bad-input',
    `epoch() returned ${inspect(report)}; expected an object, {} if there is nothing to report`,
  )
}

/** Returns the record of an epoch. @throws NotFiniteError for its first number that is not finite */
export function requireFiniteReport(report: EpochReport): EpochReport {
  const found = firstNotFinite(report)
  if (found !== undefined) throw new NotFiniteError(...found)
  return report
}

/** Returns the answer of a search. @throws BenchError `bad-input` if it is not an architecture */
export function requireGenotype(answer: Genotype | undefined, { name }: SearchSpace): Genotype {
  if (typeof answer === 'object' && answer !== null && typeof answer.space === 'string') return answer
  const source = 'as derive() and parse() of the space give'
  throw new BenchError('bad-input', `genotype() gives ${inspect(answer)}, not an architecture of ${name}, ${source}`)
}

/** Finds the first number of an epoch's record that is not finite: its name and its value. */
export function firstNotFinite({
  parameters = [],
  extra,
  ...curves
}: EpochReport): readonly [string, unknown] | undefined {
  const rows = parameters.flatMap((row, edge) => row.map((value, op) => [`parameters[${edge}][${op}]`, value] as const))
  const numbers = [...Object.entries({ ...curves, ...extra }), ...rows]
  return numbers.find(([, value]) => value !== undefined && !Number.isFinite(value))
}
