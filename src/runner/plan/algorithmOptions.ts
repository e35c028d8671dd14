/**
 * Lists the options of search algorithms, checks the values that the user typed against an algorithm's schema, and
 * converts them to the form in which a job records them.
 */
import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import type { Algorithm } from '../../core/algorithm.ts'
import { BenchError } from '../../core/errors.ts'
import { requireOnce, unknownName } from '../../core/names.ts'
import { expectation } from '../../core/parseRecord.ts'
import type { AlgorithmRequest } from './experiment.ts'

/** Returns the names of the options that a search algorithm has. */
export const optionNames = ({ options }: Algorithm): readonly string[] => Object.keys(objectIn(options)?.shape ?? {})

/** Name, default and description of an algorithm's option, for lists that the user reads. */
export interface OptionDescription {
  readonly name: string
  /** Value of the algorithm's option if the user does not give it; undefined if it has no default. */
  readonly byDefault?: unknown
  readonly isRequired: boolean
  readonly description: string
}

/** Returns name, default and description of each option of an algorithm, read from the algorithm's schema. */
export function describeOptions({ options }: Algorithm): readonly OptionDescription[] {
  return Object.entries(objectIn(options)?.shape ?? {}).map(([name, schema]) => {
    const { success, data } = z.safeParse(schema, undefined)
    return { name, byDefault: data, isRequired: !success, description: z.globalRegistry.get(schema)?.description ?? '' }
  })
}

/** Returns the zod object schema inside pipes, transforms and read-only wrappers; undefined if there is none. */
function objectIn(schema: unknown): z.ZodObject | undefined {
  if (schema instanceof z.ZodObject) return schema
  if (schema instanceof z.ZodPipe) return objectIn(schema.in) ?? objectIn(schema.out)
  return schema instanceof z.ZodReadonly ? objectIn(schema.unwrap()) : undefined
}

/**
 * Returns an algorithm's options as a job records them: plain JSON data, defaults included, from which the algorithm's
 * schema can compute the parsed options again. If the schema transforms an option into a value that it would not accept
 * itself, the option is recorded as the user gave it.
 * @throws BenchError `unknown-name` for an option that the algorithm does not have, `bad-input` for a refused value
 */
export function resolveOptions(algorithm: Algorithm, given: AlgorithmRequest['options']): Record<string, unknown> {
  const known = optionNames(algorithm)
  const unknownKey = Object.keys(given).find((key) => !known.includes(key))
  if (unknownKey !== undefined) throw unknownName(`option of ${algorithm.name}`, unknownKey, known)
  const parsed = parseOptions(algorithm, given)
  let kept: Record<string, unknown> = { ...given }
  for (const [name, value] of Object.entries(parsed as object)) {
    const candidate = asRecorded({ ...kept, [name]: value })
    if (candidate !== undefined && parsesTo(algorithm, candidate, parsed)) kept = candidate
  }
  return kept
}

/**
 * Returns the options that a search is started with: the user's, parsed by the algorithm's schema.
 * @throws BenchError `bad-input`
 */
export function parseOptions({ name, options }: Algorithm, given: AlgorithmRequest['options']): unknown {
  const parsed = options.safeParse(given)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const { path, message } = issue
  if (path.length === 0) throw new BenchError('bad-input', `${name}: its options contradict each other: ${message}`)
  const value = given[String(path[0])]
  const at = `option ${path.join('.')}`
  // As JSON, since an object from a file may have a `toString` that is no function.
  const shown = typeof value === 'object' ? JSON.stringify(value) : String(value)
  const found = value === undefined ? `${at} is not given` : `${at}=${shown}`
  throw new BenchError('bad-input', `${name}: ${found}: ${expectation(issue)}`)
}

/** Converts an algorithm's options to JSON and back; returns undefined if JSON cannot represent them. */
function asRecorded(data: Record<string, unknown>): Record<string, unknown> | undefined {
  try {
    return JSON.parse(JSON.stringify(data))
  } catch {
    return undefined
  }
}

/** Tells whether the algorithm's schema parses the option values in `data` to a value equal to `parsed`. */
function parsesTo({ options }: Algorithm, data: unknown, parsed: unknown): boolean {
  const again = options.safeParse(data)
  return again.success && isDeepStrictEqual(again.data, parsed)
}

/**
 * Assigns the values of `--option` to algorithms: `key=value` to every algorithm that has this option,
 * `algorithm.key=value` to the named one.
 *
 * @throws BenchError `unknown-name` if no algorithm has the option, `bad-input` if a line has no `=`
 */
export function distributeOptions(algorithms: readonly Algorithm[], lines: readonly string[]): AlgorithmRequest[] {
  const requests = algorithms.map((algorithm) => ({ algorithm, options: {} as Record<string, string> }))
  requireOnce(
    lines.map((line) => line.split('=')[0]),
    '--option',
  )
  for (const line of lines) {
    const [, owner, key, value] = /^(?:([^.=]+)\.)?([^=]+)=(.*)$/s.exec(line) ?? []
    if (key === undefined) throw new BenchError('bad-input', `--option ${line} is not key=value, as in anchor=kl`)
    if (value.trim() === '')
      throw new BenchError('bad-input', `--option ${line} gives ${key} no value; leave it out, or give one`)
    const owners = requests.filter(({ algorithm }) => owner === undefined || algorithm.name === owner)
    if (owners.length === 0) throw unknownName('algorithm of --option', owner, names(algorithms))
    const takers = owners.filter(({ algorithm }) => optionNames(algorithm).includes(key))
    if (takers.length === 0) {
      const having = owners.map(({ algorithm }) => algorithm.name).join(', ')
      throw unknownName(`option of ${having}`, key, new Set(owners.flatMap(({ algorithm }) => optionNames(algorithm))))
    }
    for (const { options } of takers) options[key] = value
  }
  return requests.map(({ algorithm, options }) => ({ name: algorithm.name, options }))
}

const names = (algorithms: readonly Algorithm[]): string[] => algorithms.map(({ name }) => name)
