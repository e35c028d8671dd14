/**
 * Finds the method that a rule of a claim names. A rule names a method by its algorithm alone, or with the options, the
 * protocol, the search space, the dataset and the budget that tell it from others of the algorithm among the runs.
 */
import { z } from 'zod'
import { builtinAlgorithms } from '../../algorithms/index.ts'
import { BenchError } from '../../core/errors.ts'
import { describeOptions } from '../../runner/plan/algorithmOptions.ts'
import { differingKeys, flatten } from '../differences.ts'
import type { Method } from '../methods.ts'
import type { RunRecord } from '../runRecord.ts'

/** Schema of a method that a rule names. */
export const methodSchema = z.union([
  z.string(),
  z.strictObject({
    algorithm: z.string(),
    /** Options that the runs must have; one that is null must be absent. */
    options: z.record(z.string(), z.unknown()).default({}),
    /** Name of the protocol of the runs, with its changes, such as `laptop:epochs=100`; absent: any. */
    protocol: z.string().optional(),
    /** Search space of the runs; absent: any. */
    space: z.string().optional(),
    /** Dataset that the runs searched on; absent: any, or that of the method with which this one is compared. */
    searchedOn: z.string().optional(),
    /** Search budget of the runs in simulated seconds, or null for runs without one; absent: any. */
    budget: z.number().nullable().optional(),
  }),
])

export type Selector = z.infer<typeof methodSchema>

/** Returns a rule's method as an object, also where the rule gives only its name. */
export const selected = (method: Selector): Exclude<Selector, string> =>
  typeof method === 'string' ? { algorithm: method, options: {} } : method

/** What `flatten` makes of an option that is null. */
const ABSENT = 'null'

/**
 * Returns the method that a rule names: of several that fit, the one whose other options have their defaults.
 * @throws BenchError `bad-input` if that leaves several methods
 */
export function methodOf(selector: Selector, methods: readonly Method[]): Method | undefined {
  const { algorithm, options } = selected(selector)
  const fitting = methods.filter((method) => method.algorithm === algorithm && fits(selector, method))
  if (fitting.length <= 1) return fitting[0]
  const [named, byDefault] = [flatten(options), defaultsOf(algorithm)]
  const plain = fitting.filter(({ runs: [{ manifest }] }) =>
    [...flatten(manifest.job.algorithm.options)].every(
      ([key, value]) => named.has(key) || value === byDefault.get(key),
    ),
  )
  if (plain.length === 1) return plain[0]
  const rivals = plain.length > 1 ? plain : fitting
  const found = rivals.map(({ label }) => label).join(', ')
  const remedy = `give the claim's method as { algorithm: ${algorithm}, ${differingSelectors(rivals)} }`
  throw new BenchError('bad-input', `a claim names ${algorithm}, of which the runs have variants: ${found}; ${remedy}`)
}

/** Returns whether a method's runs have the options that a rule names, and what `isUnder` checks. */
function fits(selector: Selector, { runs: [{ manifest }] }: Method): boolean {
  const { options } = selected(selector)
  const own = flatten(manifest.job.algorithm.options)
  return (
    isUnder(selector, manifest.job) &&
    [...flatten(options)].every(([key, value]) => {
      const found = own.get(key)
      return value === ABSENT ? found === undefined : found === value
    })
  )
}

/** Returns whether a job has the protocol, the search space, the dataset and the budget that a rule names for a method. */
export function isUnder(
  selector: Selector,
  { protocol, space, dataset, budgetSeconds }: RunRecord['manifest']['job'],
): boolean {
  const named = selected(selector)
  return (
    (named.protocol ?? protocol.name) === protocol.name &&
    (named.space ?? space) === space &&
    (named.searchedOn ?? dataset.name) === dataset.name &&
    (named.budget === undefined || named.budget === (budgetSeconds ?? null))
  )
}

/** Returns the defaults of a built-in algorithm's options by dotted name, as text; none for a plugin's algorithm. */
function defaultsOf(algorithm: string): ReadonlyMap<string, string> {
  const known = Object.values(builtinAlgorithms).find(({ name }) => name === algorithm)
  const options = known === undefined ? [] : describeOptions(known)
  return flatten(
    Object.fromEntries(options.flatMap(({ name, byDefault }) => (byDefault === undefined ? [] : [[name, byDefault]]))),
  )
}

/** Returns the keys by which a rule can tell methods of one algorithm apart: `protocol: …, options: { … }`. */
function differingSelectors(methods: readonly Method[]): string {
  const jobs = methods.map(({ runs: [{ manifest }] }) => manifest.job)
  const differ = (setting: (job: (typeof jobs)[number]) => unknown) => new Set(jobs.map(setting)).size > 1
  const keys = [
    ...(differ(({ protocol }) => protocol.name) ? ['protocol: …'] : []),
    ...(differ(({ dataset }) => dataset.name) ? ['searchedOn: …'] : []),
    ...(differ(({ budgetSeconds }) => budgetSeconds) ? ['budget: …'] : []),
    ...(differingKeys(jobs.map(({ algorithm }) => algorithm.options)).length > 0 ? ['options: { … }'] : []),
  ]
  return keys.length === 0 ? 'options: { … }' : keys.join(', ')
}

/** Returns the method that a rule names as text, such as `drnas (progressive, protocol=laptop)`. */
export function nameOf(selector: Selector): string {
  const { algorithm, options, protocol, space, searchedOn, budget } = selected(selector)
  const settings = [
    ...[...flatten(options)]
      .filter(([, value]) => value !== 'false' && value !== ABSENT)
      .map(([key, value]) => (value === 'true' ? key : `${key}=${value}`)),
    ...(protocol === undefined ? [] : [`protocol=${protocol}`]),
    ...(space === undefined ? [] : [`space=${space}`]),
    ...(searchedOn === undefined ? [] : [`searched on ${searchedOn}`]),
    ...(budget == null ? [] : [`budget=${budget}`]),
  ]
  return settings.length === 0 ? algorithm : `${algorithm} (${settings.join(', ')})`
}
