/**
 * Parses JSON records and checks them against their schemas. A damaged or foreign file is refused with one line that
 * names the file and the first wrong field.
 */
import type { z } from 'zod'
import { BenchError } from './errors.ts'

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
 * Describes the first problem that zod found in a record, with the path of the field: `job.seed: expected int, received
 * string`.
 */
export function problemIn({ issues: [issue] }: z.ZodError): string {
  const at = issue.path.map(String).join('.')
  return at === '' ? problemOf(issue) : `${at}: ${problemOf(issue)}`
}

/** Zod's names of what a limit is on, where that is a number and not the length of a text or list. */
const NUMBERS: ReadonlySet<string> = new Set(['number', 'int', 'bigint'])

/** Describes one problem that zod found: `expected at least 1`, `expected string, and it is missing`. */
export function problemOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_value') {
    return `expected ${issue.values.length > 1 ? 'one of ' : ''}${issue.values.map(String).join(', ')}`
  }
  if (issue.code === 'too_small' && NUMBERS.has(issue.origin)) {
    return `expected ${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}`
  }
  if (issue.code === 'too_big' && NUMBERS.has(issue.origin)) {
    return `expected ${issue.inclusive ? 'at most' : 'less than'} ${issue.maximum}`
  }
  const words = issue.message.replace(/^Invalid input: /, '')
  return words.replace(/, received NaN$/, '').replace(/, received undefined$/, ', and it is missing')
}

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
