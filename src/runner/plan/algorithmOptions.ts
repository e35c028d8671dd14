/** An algorithm's options, from what was typed to what it takes. */
import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import type { Algorithm } from '../../core/algorithm.ts'
import { BenchError } from '../../core/errors.ts'
import { unknownName } from '../../core/names.ts'
import type { AlgorithmRequest } from './experiment.ts'

/** Names of the options that an algorithm has. */
export const optionNames = ({ options }: Algorithm): readonly string[] => Object.keys(objectIn(options)?.shape ?? {})

/** What can be said of an option. */
export interface OptionDescription {
  readonly name: string
  /** What the search gets where it is not given; absent: nothing. */
  readonly byDefault?: unknown
  readonly isRequired: boolean
  readonly description: string
}

/** The options of an algorithm, as its schema describes them. */
export function describeOptions({ options }: Algorithm): readonly OptionDescription[] {
  return Object.entries(objectIn(options)?.shape ?? {}).map(([name, schema]) => {
    const { success, data } = z.safeParse(schema, undefined)
    return { name, byDefault: data, isRequired: !success, description: z.globalRegistry.get(schema)?.description ?? '' }
  })
}

/** The object that a schema reads, whatever it makes of it. */
function objectIn(schema: unknown): z.ZodObject | undefined {
  if (schema instanceof z.ZodObject) return schema
  if (schema instanceof z.ZodPipe) return objectIn(schema.in) ?? objectIn(schema.out)
  return schema instanceof z.ZodReadonly ? objectIn(schema.unwrap()) : undefined
}

/**
 * The options as a job keeps them: plain data that the schema takes, and makes into what the search gets. Each stands as
 * the schema gave it, defaults among them, where it would take that for the same again; else as it was given, so that
 * what a schema transforms is transformed once.
 *
 * @throws BenchError `unknown-name` for an option that the algorithm lacks, `bad-input` for a value that it refuses
 */
export function resolveOptions(algorithm: Algorithm, given: AlgorithmRequest['options']): Record<string, unknown> {
  const known = optionNames(algorithm)
  const unknownKey = Object.keys(given).find((key) => !known.includes(key))
  if (unknownKey !== undefined) throw unknownName(`option of ${algorithm.name}`, unknownKey, known)
  const parsed = parseOptions(algorithm, given)
  let kept: Record<string, unknown> = { ...given }
  for (const [name, value] of Object.entries(parsed as object)) {
    const candidate = asRecorded({ ...kept, [name]: value })
    if (candidate !== undefined && means(algorithm, candidate, parsed)) kept = candidate
  }
  return kept
}

/** What the search gets. @throws BenchError `bad-input` */
export function parseOptions({ name, options }: Algorithm, given: AlgorithmRequest['options']): unknown {
  const parsed = options.safeParse(given)
  if (parsed.success) return parsed.data
  const [{ path, message }] = parsed.error.issues
  if (path.length === 0) throw new BenchError('bad-input', `${name}: its options do not go together: ${message}`)
  const value = given[String(path[0])]
  const at = `option ${path.join('.')}`
  const found = value === undefined ? `${at} is not given` : `${at}=${String(value)}`
  throw new BenchError('bad-input', `${name}: ${found}: ${message}`)
}

/** What is left of data in a file; undefined for what JSON has no form of. */
function asRecorded(data: Record<string, unknown>): Record<string, unknown> | undefined {
  try {
    return JSON.parse(JSON.stringify(data))
  } catch {
    return undefined
  }
}

function means({ options }: Algorithm, data: unknown, parsed: unknown): boolean {
  const again = options.safeParse(data)
  return again.success && isDeepStrictEqual(again.data, parsed)
}

/**
 * Hands `key=value` to each algorithm that has such an option, and `algorithm.key=value` to that one alone.
 *
 * @throws BenchError `unknown-name` where none has it, `bad-input` where there is no `=`
 */
export function distributeOptions(algorithms: readonly Algorithm[], lines: readonly string[]): AlgorithmRequest[] {
  const requests = algorithms.map((algorithm) => ({ algorithm, options: {} as Record<string, string> }))
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
