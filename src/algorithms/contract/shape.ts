/** What a type checker would have said of a search, said while it runs: a plugin may never have met one. */
import { inspect } from 'node:util'
import type { Algorithm, EpochReport, Search } from '../../core/algorithm.ts'
import { BenchError } from '../../core/errors.ts'
import { NotFiniteError } from '../../core/numbers.ts'
import type { Genotype, SearchSpace } from '../../core/space.ts'

const METHODS = ['epoch', 'genotype', 'save', 'restore', 'dispose'] as const

/** What `search` of an algorithm came to. @throws BenchError `bad-input` where it is no search */
export function requireSearch(search: Partial<Search> | undefined, { name }: Algorithm): Search {
  const missing = METHODS.filter((method) => typeof search?.[method] !== 'function')
  if (missing.length === 0) return search as Search
  throw new BenchError('bad-input', `what search() of ${name} gives has no ${missing.map((m) => `${m}()`).join(', ')}`)
}

/** What is wrong with a number of epochs, in words. */
export const epochsProblem = (epochs: number): string | undefined =>
  Number.isInteger(epochs) && epochs >= 1 ? undefined : `epochs is ${inspect(epochs)}, not a positive integer`

/** @throws BenchError `bad-input` for what `epoch` cannot have meant to report */
export function requireReport(report: EpochReport | undefined): EpochReport {
  if (typeof report === 'object' && report !== null) return report
  throw new BenchError('bad-input', `epoch() gives ${inspect(report)}; it reports an object, {} where there is nothing`)
}

/** The same report. @throws NotFiniteError for the first of its numbers that is not finite */
export function requireFiniteReport(report: EpochReport): EpochReport {
  const found = firstNotFinite(report)
  if (found !== undefined) throw new NotFiniteError(...found)
  return report
}

/** @throws BenchError `bad-input` where the answer of a search is no architecture */
export function requireGenotype(answer: Genotype | undefined, { name }: SearchSpace): Genotype {
  if (typeof answer === 'object' && answer !== null && typeof answer.space === 'string') return answer
  const source = 'as derive() and parse() of the space give'
  throw new BenchError('bad-input', `genotype() gives ${inspect(answer)}, not an architecture of ${name}, ${source}`)
}

/** The first number of a report that is not finite: its name, and what stands there. */
export function firstNotFinite({
  parameters = [],
  extra,
  ...curves
}: EpochReport): readonly [string, unknown] | undefined {
  const rows = parameters.flatMap((row, edge) => row.map((value, op) => [`parameters[${edge}][${op}]`, value] as const))
  const numbers = [...Object.entries({ ...curves, ...extra }), ...rows]
  return numbers.find(([, value]) => value !== undefined && !Number.isFinite(value))
}
