/** Run-time checks of the values that a search returns, for plugins whose authors use no type checker. */
import { inspect } from 'node:util'
import type { Algorithm, EpochReport, Search } from '../../core/algorithm.ts'
import { BenchError } from '../../core/errors.ts'
import { NotFiniteError } from '../../core/numbers.ts'
import type { Genotype, SearchSpace } from '../../core/space.ts'

const METHODS = ['epoch', 'genotype', 'save', 'restore', 'dispose'] as const

/**
 * Returns the search object that an algorithm's `search` function made, after checking that it has all its methods.
 * @throws BenchError `bad-input` if one is missing
 */
export function requireSearch(search: Partial<Search> | undefined, { name }: Algorithm): Search {
  const missing = METHODS.filter((method) => typeof search?.[method] !== 'function')
  if (missing.length === 0) return search as Search
  throw new BenchError(
    'bad-input',
    `search() of ${name} returned an object without ${missing.map((m) => `${m}()`).join(', ')}`,
  )
}

/** Describes what is wrong with the number of epochs that a search states; undefined if it is a positive integer. */
export const epochsProblem = (epochs: number): string | undefined =>
  Number.isInteger(epochs) && epochs >= 1 ? undefined : `epochs is ${inspect(epochs)}, not a positive integer`

/** Returns a search's report of an epoch unchanged. @throws BenchError `bad-input` if it is not an object */
export function requireReport(report: EpochReport | undefined): EpochReport {
  if (typeof report === 'object' && report !== null) return report
  throw new BenchError(
    'bad-input',
    `epoch() returned ${inspect(report)}; expected an object, {} if there is nothing to report`,
  )
}

/** Returns a search's report of an epoch unchanged. @throws NotFiniteError for its first number that is not finite */
export function requireFiniteReport(report: EpochReport): EpochReport {
  const found = firstNotFinite(report)
  if (found !== undefined) throw new NotFiniteError(...found)
  return report
}

/** Returns the architecture that a search answers with. @throws BenchError `bad-input` if it is not an architecture */
export function requireGenotype(answer: Genotype | undefined, { name }: SearchSpace): Genotype {
  if (typeof answer === 'object' && answer !== null && typeof answer.space === 'string') return answer
  const source = 'as derive() and parse() of the space give'
  throw new BenchError('bad-input', `genotype() gives ${inspect(answer)}, not an architecture of ${name}, ${source}`)
}

/** Finds the first number in an epoch's report that is not finite. → its name and value, undefined if all are finite */
export function firstNotFinite({
  parameters = [],
  extra,
  probes: _,
  ...curves
}: EpochReport): readonly [string, unknown] | undefined {
  const rows = parameters.flatMap((row, edge) => row.map((value, op) => [`parameters[${edge}][${op}]`, value] as const))
  const numbers = [...Object.entries({ ...curves, ...extra }), ...rows]
  return numbers.find(([, value]) => value !== undefined && !Number.isFinite(value))
}
