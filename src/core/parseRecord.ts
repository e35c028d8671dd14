/**
 * Parses JSON records and checks them against their schemas. A damaged or foreign file is refused with one line that
 * names the file and the first wrong field.
 */
import type { z } from 'zod'
import { BenchError } from './errors.ts'
import { pluralize } from './plainText.ts'

/**
 * Deepest nesting of arrays and objects that a record may have; deeper JSON could exhaust the stack of recursive code.
 */
const MOST_LEVELS = 64

/** How to parse one kind of record, and what to say to the user if that fails. */
export interface ReadAs<T> {
  readonly schema: z.ZodType<T>
  /** What the file should contain, such as `the result of a run`; used in error messages. */
  readonly what: string
  /** What the user should do if the file is damaged; used in error messages. */
  readonly remedy: string
}

/**
 * Parses a record and checks it against its schema.
 * @param text JSON
 * @param path path of the file for messages, with a line number if the file has one record per line
 * @throws BenchError `corrupt` if the text is not JSON or does not match the schema
 */
export function parseRecord<T>(text: string, path: string, { schema, what, remedy }: ReadAs<T>): T {
  const refuse = (problem: string): never => {
    throw new BenchError('corrupt', `${path} is not ${what}: ${problem}; ${remedy}`)
  }
  const value = parsed(text)
  if (value === undefined) refuse(text.trim() === '' ? 'it is empty' : 'it is no JSON')
  if (!isShallow(value, MOST_LEVELS)) refuse(`it has more than ${MOST_LEVELS} levels`)
  const checked = schema.safeParse(value)
  // Returns the parsed JSON and not zod's copy, which would double the memory.
  return checked.success ? (value as T) : refuse(problemIn(checked.error))
}

/**
 * Describes the first problem that zod found in a record, with the path of the field: `job.seed: expected a whole
 * number, found a text`.
 */
export function problemIn({ issues }: z.ZodError): string {
  const [issue] = nearestIssues(issues)
  const at = issue.path.map(String).join('.')
  return at === '' ? problemOf(issue) : `${at}: ${problemOf(issue)}`
}

/**
 * Returns the problems with those of unions replaced: where a value fits none of several schemas, but is of the type of
 * one, the problems are those with that schema.
 */
export const nearestIssues = (issues: readonly Issue[]): Issue[] =>
  issues.flatMap((issue) => {
    const nearest = issue.code === 'invalid_union' ? issue.errors.find((errors) => !errors.some(isOfOtherType)) : []
    if (nearest === undefined || nearest.length === 0) return [issue]
    return nearestIssues(nearest.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] })))
  })

type Issue = z.core.$ZodIssue

const isOfOtherType = ({ code, path }: Issue): boolean =>
  path.length === 0 && (code === 'invalid_type' || code === 'invalid_value')

/** Describes one problem that zod found: `expected at least 1`, `expected a text, and it is missing`. */
export function problemOf(issue: Issue): string {
  const [, type] = /^Invalid input: expected \w+, received (\w+)$/.exec(issue.message) ?? []
  if (type === undefined || type === 'NaN') return expectation(issue)
  return `${expectation(issue)}, ${type === 'undefined' ? 'and it is missing' : `found ${type === 'boolean' ? 'a boolean' : nameOfType(type)}`}`
}

/** Zod's names of what a limit is on, where that is a number and not the length of a text or list. */
const NUMBERS: ReadonlySet<string> = new Set(['number', 'int', 'bigint'])

/** Says what was expected where zod found a problem, without what was found: `expected a whole number`. */
export function expectation(issue: Issue): string {
  // The schema may have a message of its own.
  const isZodsMessage = /^(Invalid|Too)\b/.test(issue.message)
  if (issue.code === 'invalid_value') return oneOf(issue.values)
  if (isZodsMessage && issue.code === 'invalid_type') return `expected ${nameOfType(issue.expected)}`
  if (isZodsMessage && issue.code === 'invalid_union') {
    return 'options' in issue && issue.options ? oneOf(issue.options) : alternatives(issue.errors)
  }
  if (issue.code === 'invalid_key' && issue.issues.length > 0) return `its name: ${expectation(issue.issues[0])}`
  if (issue.code === 'too_small') {
    return `expected ${issue.inclusive ? 'at least' : 'more than'} ${amount(issue.minimum, issue.origin)}`
  }
  if (issue.code === 'too_big') {
    return `expected ${issue.inclusive ? 'at most' : 'less than'} ${amount(issue.maximum, issue.origin)}`
  }
  return issue.message
}

const oneOf = (values: readonly unknown[]): string =>
  `expected ${values.length > 1 ? 'one of ' : ''}${values.map(String).join(', ')}`

/** Returns a limit with its unit: `2 items` for a list, the number alone for a number. */
function amount(limit: number | bigint, origin: string): string {
  if (NUMBERS.has(origin)) return String(limit)
  return pluralize(Number(limit), origin === 'string' ? 'character' : 'item')
}

/** Says what was expected of a value that is of the type of none of several schemas. */
function alternatives(errors: readonly (readonly Issue[])[]): string {
  const expected = errors.flatMap(([issue]) => (issue === undefined ? [] : [expectation(issue)]))
  return `expected ${[...new Set(expected)].map((text) => text.replace(/^expected /, '')).join(' or ')}`
}

/** Names of zod's types as people say them; other types have the name that zod gives them. */
const TYPES: Readonly<Record<string, string>> = {
  number: 'a number',
  int: 'a whole number',
  string: 'a text',
  boolean: 'true or false',
  array: 'a list',
  tuple: 'a list',
  object: 'an object',
  record: 'an object',
  null: 'nothing',
}

const nameOfType = (type: string): string => TYPES[type] ?? type

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isShallow(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  if (levels === 0) return false
  for (const key in value) if (!isShallow((value as Record<string, unknown>)[key], levels - 1)) return false
  return true
}
