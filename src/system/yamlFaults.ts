/**
 * Words the errors of YAML files that users write: what was found at which line, what was expected, and a valid example.
 */
import type { Document, LineCounter, YAMLError } from 'yaml'
import type { z } from 'zod'
import { BenchError } from '../core/errors.ts'
import { unknownName } from '../core/names.ts'
import { expectation, nearestIssues } from '../core/parseRecord.ts'

/** A YAML file after parsing. */
export interface ParsedFile {
  readonly path: string
  readonly text: string
  readonly document: Document
  readonly lines: LineCounter
}

/** What messages say about the kind of a file. */
interface Kind {
  readonly what: string
  readonly schema: z.ZodType
  readonly example: string
}

type Path = readonly PropertyKey[]

/** Largest number of characters that a message quotes of a file. */
const MOST_QUOTED = 60

const shortened = (text: string): string => (text.length > MOST_QUOTED ? `${text.slice(0, MOST_QUOTED - 1)}…` : text)

/** What is wrong with a YAML text and what to do, by the code and message of the parser. */
const SYNTAX: readonly (readonly [RegExp, string])[] = [
  [/end with a ([\]}])$/, 'a bracket that is opened before is not closed here; add the missing $1'],
  [/Missing closing (["'])/, 'a text in quotes does not end; add the missing $1'],
  [/^MISSING_CHAR: Implicit map keys/, 'a name has no colon behind it; write name: value'],
  [/^MISSING_CHAR: Sequence item/, 'an item of a list has no dash; begin it with "- "'],
  [/^MISSING_CHAR: .* white space/, 'a blank is missing before this; add it'],
  [/^MISSING_CHAR: .*,/, 'a comma is missing before this; add it'],
  [/^(TAB_AS_INDENT)/, 'a tab indents this; indent with blanks'],
  [/^(BAD_INDENT)/, 'this is not indented like the lines that it belongs to; indent them alike'],
  [/^(DUPLICATE_KEY)/, 'this name is there twice; keep one of the two'],
  [
    /^(BLOCK_AS_IMPLICIT_KEY)/,
    'a second colon or a list is on one line with a name; put a text with a colon in quotes',
  ],
  [/^(MULTILINE_IMPLICIT_KEY)/, 'a name goes over several lines or has no colon; write name: value'],
  [/^(BAD_DQ_ESCAPE)/, 'no character is written like this in double quotes; use single quotes, or \\\\ for \\'],
  [/^(MULTIPLE_DOCS)/, 'a line of dashes begins a second document; keep one in the file'],
  [/^(BAD_SCALAR_START)/, 'no text may begin with this character; put the text in quotes'],
  [/^(BAD_DIRECTIVE)/, 'a line that begins with % is a directive; put a text that begins with % in quotes'],
  [/^(TAG_RESOLVE_FAILED)/, 'a word that begins with ! is a tag without a meaning here; put the text in quotes'],
]

/** Returns the error for a text that is not YAML. */
export function syntaxFault(error: YAMLError, file: ParsedFile, { what, example }: Kind): BenchError {
  const { line, col } = file.lines.linePos(error.pos[0])
  const found = `${error.code}: ${error.message}`
  const known = SYNTAX.find(([pattern]) => pattern.test(found))
  const problem = known?.[1].replace('$1', known[0].exec(found)?.[1] ?? '')
  const quoted = shortened((file.text.split('\n')[line - 1] ?? '').trim())
  return new BenchError(
    'bad-input',
    `${what} ${file.path} is not YAML: line ${line}, column ${col}, ` +
      `${quoted === '' ? 'at its end' : `in "${quoted}"`}: ${problem ?? `expected lines as in ${example}`}`,
    { cause: error },
  )
}

/** Returns the error for a file whose aliases (`*name`) have no anchor, or expand to too many values. */
export function aliasFault(cause: Error, { path }: ParsedFile, { what }: Kind): BenchError {
  const [, name] = /^Unresolved alias .*: (.*)$/s.exec(cause.message) ?? []
  const problem =
    name === undefined
      ? 'its aliases (*name) stand for too many values; write the values out'
      : `*${shortened(name)} stands for a value marked &${shortened(name)} above it, and there is none; put a text that begins with * in quotes`
  return new BenchError('bad-input', `${what} ${path} is not YAML: ${problem}`, { cause })
}

/**
 * Returns the error for a file that does not match its schema. An unknown key is named first, since a misspelt key also
 * makes the right one missing.
 */
export function schemaFault(error: z.ZodError, file: ParsedFile, content: unknown, kind: Kind): BenchError {
  if (content === null || typeof content !== 'object' || Array.isArray(content)) return shapeFault(file, content, kind)
  const issues = nearestIssues(error.issues)
  const unknown = issues.find((issue) => issue.code === 'unrecognized_keys')
  if (unknown !== undefined) {
    const [key] = unknown.keys
    const where = settingIn(valueAt(content, unknown.path).path, key, file)
    return unknownName(where, key, keysAt(kind.schema, unknown.path))
  }
  const [issue] = issues
  const { path, value } = valueAt(content, issue.path)
  const at = `${placeOf(path, file)}${path.length === 0 ? '' : `: ${path.map(String).join('.')}`}`
  if (value === undefined) return new BenchError('bad-input', `${at} is missing; add it, as in ${kind.example}`)
  if (issue.code === 'invalid_value' && typeof value === 'string') {
    return unknownName(`${path.map(String).join('.')} in ${placeOf(path, file)}:`, value, issue.values.map(String))
  }
  const found = issue.code === 'custom' || issue.code === 'invalid_key' ? '' : `, found ${textAt(path, file)}`
  return new BenchError('bad-input', `${at}: ${expectation(issue)}${found}`)
}

/** Returns the error for a file that is empty, a list or a single value. */
function shapeFault({ path }: ParsedFile, content: unknown, { what, example }: Kind): BenchError {
  const found =
    content === null ? 'has no settings' : Array.isArray(content) ? 'is a list' : 'is a single value without a name'
  return new BenchError('bad-input', `${what} ${path} ${found}; expected names with values, as in ${example}`)
}

/** Says in which object and line of a file an unknown key is. */
function settingIn(path: Path, key: string, file: ParsedFile): string {
  const within = path.length === 0 ? '' : ` of ${path.map(String).join('.')}`
  return `setting${within} in ${placeOf([...path, key], file)}:`
}

/**
 * Returns the value at a path by the schema, with the path in the file: a schema may take a single value as a list, and
 * the file then has no place of the item. The value is undefined if only the last key is missing.
 */
function valueAt(content: unknown, path: Path): { readonly path: Path; readonly value: unknown } {
  const found: PropertyKey[] = []
  let value = content
  for (const key of path) {
    if (typeof key === 'number' && !Array.isArray(value)) continue
    if (typeof value !== 'object' || value === null) break
    found.push(key)
    value = (value as Readonly<Record<PropertyKey, unknown>>)[key]
  }
  return { path: found, value }
}

/** Returns the path of the file with the line of the value at a path in it, or of the object that lacks the value. */
function placeOf(path: Path, file: ParsedFile): string {
  const range = path.map((_, i) => rangeAt(path.slice(0, path.length - i), file)).find((known) => known !== undefined)
  return range === undefined ? file.path : `${file.path}, line ${file.lines.linePos(range[0]).line}`
}

/** Returns the value at a path as the file writes it, on one line. */
function textAt(path: Path, file: ParsedFile): string {
  const [start, end] = rangeAt(path, file) ?? [0, 0]
  return shortened(file.text.slice(start, end).replace(/\s+/g, ' ')) || 'nothing'
}

/** Returns where the value at a path begins and ends in the text of a file; undefined if there is none. */
const rangeAt = (path: Path, { document }: ParsedFile): readonly number[] | undefined =>
  (document.getIn(path, true) as { readonly range?: readonly number[] } | undefined)?.range

/** Returns the keys that the object at a path may have by a schema. */
function keysAt(schema: z.core.$ZodType, path: Path): readonly string[] {
  const { def } = (schema as z.core.$ZodTypes)._zod
  switch (def.type) {
    case 'object': {
      if (path.length === 0) return Object.keys(def.shape)
      const member = def.shape[String(path[0])]
      return member === undefined ? [] : keysAt(member, path.slice(1))
    }
    case 'array':
      return keysAt(def.element, path.slice(1))
    case 'record':
      return keysAt(def.valueType, path.slice(1))
    case 'union':
      return def.options.flatMap((option) => keysAt(option, path))
    case 'pipe':
      return [def.in, def.out].flatMap((part) => keysAt(part, path))
    case 'optional':
    case 'default':
    case 'readonly':
      return keysAt(def.innerType, path)
    default:
      return []
  }
}
